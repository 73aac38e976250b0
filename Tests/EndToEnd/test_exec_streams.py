"""Streams of kind `exec` through the real daemon and the Python client: the example, and commands that go wrong."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import sluice

from testbed.fixtures import Stage
from testbed.operations import run_sluice

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "config" / "examples" / "tar_stream.py"
FAULTY = Path(__file__).with_name("faulty_command.py")
HASTY = {"retry_seconds": 0.1, "minimum_rate": 0}
TARS = {"a/first.tar": 30, "a/second.tar": 17, "third.tar": 5}


def expected() -> list[dict[str, Any]]:
    """Give the samples that the tar files hold, in order."""
    return [
        {"key": f"{index:05}", "txt": f"{name} sample {index}", "bin": bytes([index % 251]) * (index * 97)}
        for name, count in sorted(TARS.items())
        for index in range(count)
    ]


@pytest.fixture
def tars(tmp_path: Path) -> Path:
    """Write the tar files, members as WebDataset names them."""
    samples = iter(expected())
    for name, count in sorted(TARS.items()):
        path = tmp_path / "tars" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with tarfile.open(path, "w") as tar:
            for sample in (next(samples) for _ in range(count)):
                for extension, content in [("txt", sample["txt"].encode()), ("bin", sample["bin"])]:
                    member = tarfile.TarInfo(f"{sample['key']}.{extension}")
                    member.size = len(content)
                    tar.addfile(member, io.BytesIO(content))
    return tmp_path / "tars"


def stream(tars: Path, command: list[str], **options: object) -> dict[str, object]:
    """Give the configuration of a stream of these tar files."""
    config = {"directory": str(tars), "columns": {"txt": "str", "bin": "bytes"}}
    return {"kind": "exec", "with": {"command": command, "config": config}, **options}


def drain(stage: Stage, dataset: str = "all") -> list[Mapping[str, Any]]:
    """Take every sample of a dataset, in order."""
    data = sluice.StreamingDataset(dataset, batch_size=8, shuffle=False, socket=stage.socket)
    return [{name: sample[name] for name in sample} for sample in data]


def retries(stage: Stage) -> dict[str, int]:
    """Give the retries that `sluice status` counts, by cause."""
    answer = run_sluice("status", "--json", "--socket", str(stage.socket))
    assert answer.returncode == 0, answer.stderr
    causes: dict[str, int] = json.loads(answer.stdout)["transfer"]["retries"]
    return causes


@pytest.mark.parametrize("output", ["pipe", "file"])
def test_the_worked_example_is_trained_from(stage: Stage, tars: Path, output: str) -> None:
    described = stream(tars, [sys.executable, str(EXAMPLE)])
    described["with"] = {**described["with"], "output": output}  # type: ignore[dict-item]
    stage.start(stage.configuration({"scans": described}))
    assert drain(stage) == expected()
    assert drain(stage) == expected(), "and from the cache"
    assert retries(stage) == {}


@pytest.mark.parametrize(
    ("mode", "cause"),
    [
        ("hang", "stalled"),
        ("die", "source"),
        ("refuse", "source"),
        ("short", "truncated"),
        ("long", "wrongLength"),
        ("flood", "wrongLength"),
        ("chatter", "stalled"),
    ],
)
def test_commands_that_go_wrong_once_cost_a_retry(stage: Stage, tars: Path, mode: str, cause: str) -> None:
    state = stage.directory / "state"
    state.mkdir()
    command = [sys.executable, str(FAULTY), mode, "1", str(state), str(EXAMPLE)]
    described = stream(tars, command, download_timeout=1, download_retry=2)
    daemon = stage.start(stage.configuration({"scans": described}, transfer=HASTY))
    assert drain(stage) == expected()
    assert retries(stage) == {cause: len(TARS)}
    log = daemon.log_text()
    if mode == "refuse":
        assert "nothing works today" in log
    if mode == "chatter":
        assert log.count("that nobody wants") < 10_000, "a flood is cut off"


@pytest.mark.parametrize("mode", ["hang", "die", "short", "flood"])
def test_commands_that_stay_wrong_are_errors_and_harm_nobody(stage: Stage, tars: Path, mode: str) -> None:
    state = stage.directory / "state"
    state.mkdir()
    command = [sys.executable, str(FAULTY), mode, "1000", str(state), str(EXAMPLE)]
    streams = {
        "broken": stream(tars, command, download_timeout=1, download_retry=2),
        "good": stream(tars, [sys.executable, str(EXAMPLE)]),
    }
    datasets = {name: {"streams": [name], "batch_size": 8} for name in streams}
    stage.start(stage.configuration(streams, datasets, transfer=HASTY))
    with (
        pytest.raises(sluice.errors.ShardError) as caught,
        sluice.connect(stage.socket, wait=1) as client,
        client.open("broken") as session,
    ):
        list(session.batches(0))
    for part in ["stream broken", "first.mds", "exec:broken", "2 attempts"]:
        assert part in str(caught.value), str(caught.value)
    assert drain(stage, "good") == expected()
