"""Trainers killed at random moments and resumed on other numbers of ranks: each sample exactly once.

The example trainer with its model, and a bare loop over every sort of loader. SLUICE_KILLS=N kills the latter N times.
"""

from __future__ import annotations

import importlib.util
import json
import os
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

from PythonClientTests.reference.ranks import SOURCES, finish_ranks, start_ranks, start_torchrun
from testbed.daemon import Daemon, write_configuration
from testbed.mds import write_stream

EXAMPLE = str(SOURCES / "examples" / "train_tokens.py")
LOOP = str(Path(__file__).with_name("killed_rank.py"))
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
        {"tokens": struct.pack(f"<{LENGTH}H", *[(row + at) % 50 for at in range(LENGTH)]), "number": row}
        for row in range(SAMPLES)
    )
    write_stream(path / "tokens", {"tokens": "bytes", "number": "int"}, rows, 1000)
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


def kill_after(processes: list[subprocess.Popen[str]], record: Path, steps: int) -> bool:
    """Kills all ranks once some rank has taken that many steps; whether it was in time."""
    deadline = time.monotonic() + 240
    while len({entry["step"] for entry in recorded(record)}) < steps:
        assert time.monotonic() < deadline, "the trainer takes no steps"
        if all(process.poll() == 0 for process in processes):
            break
        assert all(process.poll() in (None, 0) for process in processes), "a rank failed by itself"
        time.sleep(0.005)  # another program's progress shows in its file only
    in_time = any(process.poll() is None for process in processes)
    for process in processes:
        process.kill()
    for process in processes:
        process.wait(30)
    return in_time


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
        if attempt < 2:
            processes = start_ranks([*arguments, str(record)], ranks)
            assert kill_after(processes, record, rng.randrange(2, 9)), "the trainer ended before it was killed"
        else:
            finish_ranks([start_torchrun([*arguments, str(record)], ranks)])
        take_in(by_step, record)
    assert_each_once(by_step)


def take_in(by_step: dict[int, list[int]], record: Path) -> None:
    """Adds what one run noted; a step that was taken again after a kill has the same samples, whoever takes it."""
    steps: dict[int, list[int]] = {}
    for entry in recorded(record):
        assert entry.get("epoch", 0) == 0
        steps.setdefault(entry["step"], []).extend(entry["ids"])
    for step, ids in steps.items():
        if len(ids) == GLOBAL_BATCH == len(by_step.get(step, [])):
            assert sorted(ids) == sorted(by_step[step])
    # Of a step that a kill cut short some ranks' part is there; the next run takes it whole.
    by_step |= steps


def assert_each_once(by_step: dict[int, list[int]]) -> None:
    assert sorted(by_step) == list(range(1, STEPS + 1))
    assert Counter(sample for ids in by_step.values() for sample in ids) == Counter(range(SAMPLES))


def test_every_sort_of_loader_killed_and_resumed(directory: Path) -> None:
    """Killed again and again, each time gone on with other ranks and another loader or number of workers."""
    seed = random.randrange(2**32)  # noqa: S311
    kills = int(os.environ.get("SLUICE_KILLS", "4"))
    print(f"seed {seed}, {kills} kills")
    rng = random.Random(seed)  # noqa: S311
    sorts = [(ranks, loader) for ranks in (1, 2, 4) for loader in ("batches", "0", "1", "3")]
    rng.shuffle(sorts)
    by_step: dict[int, list[int]] = {}
    done, epochs = 0, 0
    while done < kills or by_step:
        ranks, loader = sorts[(done + epochs) % len(sorts)]
        record = directory / f"record-{done}-{epochs}"
        record.mkdir()
        arguments = [LOOP, str(record), str(directory / "run.json"), loader, str(GLOBAL_BATCH), "3"]
        environment = {"SLUICE_SOCKET": str(directory / "s.sock"), "OMP_NUM_THREADS": "1"}
        processes = start_ranks(arguments, ranks, [environment])
        killed = done < kills and kill_after(processes, record, rng.randrange(1, 9))
        if not killed:
            finish_ranks(processes)
        print(f"{loader} on {ranks} ranks: {'killed' if killed else 'ended'}, step {max(by_step, default=0)} before")
        take_in(by_step, record)
        done += killed
        if (record / "finished").exists():
            assert_each_once(by_step)
            by_step, epochs = {}, epochs + 1
            (directory / "run.json").unlink(missing_ok=True)
