"""The example trainer, killed at random moments and resumed on other numbers of ranks: each sample exactly once."""

from __future__ import annotations

import importlib.util
import json
import random
import shutil
import struct
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from PythonClientTests.reference.ranks import SOURCES, finish_ranks, start_ranks
from testbed.daemon import Daemon, write_configuration
from testbed.mds import write_stream

EXAMPLE = str(SOURCES / "examples" / "train_tokens.py")
SAMPLES, GLOBAL_BATCH, LENGTH = 240, 8, 16
STEPS = SAMPLES // GLOBAL_BATCH

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed"),
    pytest.mark.timeout(900),
]


@pytest.fixture
def directory() -> Iterator[Path]:
    """A daemon on `s.sock` that serves token sequences as `tokens`, one canonical node."""
    path = Path(tempfile.mkdtemp(prefix="sluice-"))
    rows = (
        {"tokens": struct.pack(f"<{LENGTH}H", *[(row + at) % 50 for at in range(LENGTH)])} for row in range(SAMPLES)
    )
    write_stream(path / "tokens", {"tokens": "bytes"}, rows, 1000)
    options = {"streams": ["tokens"], "shuffle": True, "num_canonical_nodes": 1}
    document = {
        "socket": {"path": str(path / "s.sock")},
        "cache": {"directory": str(path / "cache"), "limit": "64mb", "reserve": "1mb"},
        "streams": {"tokens": {"local": str(path / "tokens")}},
        "datasets": {"tokens": options},
    }
    try:
        daemon = Daemon.start(write_configuration(path / "c.yaml", document), path / "s.sock", path / "log")
    except FileNotFoundError as error:
        shutil.rmtree(path)
        pytest.skip(str(error))
    try:
        daemon.wait_ready()
        yield path
    finally:
        daemon.kill()
        print(daemon.log_end(40))
        shutil.rmtree(path, ignore_errors=True)


def recorded(directory: Path) -> list[dict[str, Any]]:
    """What the ranks of one run wrote; a line that a kill cut short is left out."""
    entries = []
    for file in directory.glob("*.jsonl"):
        for line in file.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                entries.append(json.loads(line))
    return entries


def kill_after(processes: list[subprocess.Popen[str]], record: Path, steps: int) -> None:
    """Kills all ranks once some rank has taken that many steps."""
    deadline = time.monotonic() + 240
    while len({entry["step"] for entry in recorded(record)}) < steps:
        assert time.monotonic() < deadline, "the trainer takes no steps"
        assert all(process.poll() is None for process in processes), "the trainer ended by itself"
        time.sleep(0.02)  # another program's progress shows in its file only
    for process in processes:
        process.kill()
    for process in processes:
        process.wait(30)


def test_killed_and_resumed(directory: Path) -> None:
    seed = random.randrange(2**32)  # noqa: S311
    print(f"seed {seed}")
    rng = random.Random(seed)  # noqa: S311
    arguments = [EXAMPLE, "--dataset", "tokens", "--socket", str(directory / "s.sock"), "--vocabulary", "50"]
    arguments += ["--global-batch", str(GLOBAL_BATCH), "--save-every", "3", "--steps", str(STEPS)]
    arguments += ["--checkpoint", str(directory / "run.pt"), "--record"]
    by_step: dict[int, list[int]] = {}
    for attempt, ranks in enumerate((2, 1, 4)):
        record = directory / f"record-{attempt}"
        record.mkdir()
        processes = start_ranks([*arguments, str(record)], ranks)
        if attempt < 2:
            kill_after(processes, record, rng.randrange(2, 9))
        else:
            finish_ranks(processes)
        steps: dict[int, list[int]] = {}
        for entry in recorded(record):
            assert entry["epoch"] == 0
            steps.setdefault(entry["step"], []).extend(entry["ids"])
        # A step that was taken again after a kill has the same samples, whoever takes it.
        for step, ids in steps.items():
            if len(ids) == GLOBAL_BATCH == len(by_step.get(step, [])):
                assert sorted(ids) == sorted(by_step[step])
        by_step |= steps
    assert sorted(by_step) == list(range(1, STEPS + 1))
    assert Counter(sample for ids in by_step.values() for sample in ids) == Counter(range(SAMPLES))
