"""The real daemon killed and restarted under a training loop; a trainer interrupted; a program that just ends."""

from __future__ import annotations

import importlib.util
import itertools
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sluice

from PythonClientTests.reference.conftest import SIZES, configuration
from PythonClientTests.reference.ranks import SOURCES
from testbed.daemon import Daemon, dying_with_us, write_configuration
from testbed.fixtures import COLUMNS, numbered_samples
from testbed.mds import write_stream

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")


@dataclass
class Restartable:
    """A daemon that can be killed and started again on the same configuration."""

    directory: Path
    file: Path
    daemon: Daemon

    @property
    def socket(self) -> Path:
        return self.directory / "s.sock"

    def start(self) -> None:
        self.daemon = Daemon.start(self.file, self.socket, self.directory / "log")

    def restart(self, kill: bool) -> None:
        self.daemon.kill() if kill else self.daemon.stop()
        self.start()


@pytest.fixture
def restartable() -> Iterator[Restartable]:
    directory = Path(tempfile.mkdtemp(prefix="sluice-"))
    try:
        for name, count in SIZES.items():
            write_stream(directory / name, COLUMNS, numbered_samples(name, count, 40), 2000)
        file = write_configuration(directory / "sluiced.yaml", configuration(directory))
        try:
            daemon = Daemon.start(file, directory / "s.sock", directory / "log")
        except FileNotFoundError as error:
            pytest.skip(str(error))
        daemon.wait_ready()
        served = Restartable(directory, file, daemon)
        try:
            yield served
        finally:
            served.daemon.kill()
            print(served.daemon.log_end(60))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def open_mix(served: Restartable) -> sluice.StreamingDataset:
    return sluice.StreamingDataset("mix", socket=served.socket, batch_size=4, shuffle=True, wait=60)


def keep(samples: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(sample["source"], sample["index"]) for sample in samples]


@pytest.mark.parametrize("kill", [True, False])
def test_the_daemon_restarts_under_a_loop(restartable: Restartable, kill: bool) -> None:
    whole = list(sluice.BatchLoader(open_mix(restartable), collate_fn=keep))
    received = []
    for batch in sluice.BatchLoader(open_mix(restartable), collate_fn=keep, prefetch=1, pipeline=2):
        received.append(batch)
        if len(received) in (5, 20, 33):
            restartable.restart(kill)
    assert received == whole


@needs_torch
def test_the_daemon_restarts_under_workers(restartable: Restartable) -> None:
    whole = list(sluice.BatchLoader(open_mix(restartable), collate_fn=keep))
    loader = sluice.StreamingDataLoader(open_mix(restartable), batch_size=4, num_workers=2, collate_fn=keep)
    received = []
    for batch in loader:
        received.append(batch)
        if len(received) == 10:
            restartable.restart(True)
    assert received == whole


def test_stopping_and_resuming_at_random_points(restartable: Restartable) -> None:
    """Two epochs in pieces, each by a new dataset that knows only the checkpoint: every sample as if in one go."""
    seed = random.randrange(2**32)  # noqa: S311
    print(f"seed {seed}")
    rng = random.Random(seed)  # noqa: S311
    loader = sluice.BatchLoader(open_mix(restartable), collate_fn=keep)
    whole = list(loader) + list(loader)
    received: list[Any] = []
    state = None
    while len(received) < len(whole):
        piece = sluice.BatchLoader(open_mix(restartable), collate_fn=keep)
        if state is not None:
            piece.load_state_dict(state)
        wanted = min(rng.randrange(1, 15), len(whole) - len(received))
        # A checkpoint of an epoch's very end leaves nothing of it, as in the reference; the next epoch follows.
        for batch in itertools.chain(piece, piece):
            received.append(batch)
            wanted -= 1
            if wanted == 0:
                break
        state = piece.state_dict()
        piece.close()
    assert received == whole


@needs_torch
def test_a_checkpoint_of_other_data_is_refused(restartable: Restartable) -> None:
    dataset = open_mix(restartable)
    next(iter(dataset))
    state = dataset.state_dict(8)
    with pytest.raises(sluice.errors.FingerprintError, match="shuffle_seed"):
        sluice.StreamingDataset(
            "mix", socket=restartable.socket, batch_size=4, shuffle=True, sampling_granularity=3
        ).load_state_dict({**state, "shuffle_seed": 5})


LOOP = """
import sys
import sluice
dataset = sluice.StreamingDataset("mix", socket=sys.argv[1], batch_size=4)
loader = sluice.BatchLoader(dataset)
while True:
    for batch in loader:
        print("batch", flush=True)
        if sys.argv[2] == "leave":
            sys.exit(0)
        if sys.argv[2] == "raise":
            raise ArithmeticError("the model diverged")
"""


def start_loop(served: Restartable, what: str) -> subprocess.Popen[str]:
    code = f"import sys; sys.path.insert(0, {str(SOURCES)!r})\n{LOOP}"
    return subprocess.Popen(
        dying_with_us([sys.executable, "-c", code, str(served.socket), what]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.parametrize(("what", "status", "said"), [("leave", 0, ""), ("raise", 1, "the model diverged")])
def test_ending_in_the_middle_of_an_epoch(restartable: Restartable, what: str, status: int, said: str) -> None:
    process = start_loop(restartable, what)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == status, errors
    assert said in errors
    assert "Fatal Python error" not in errors


def test_interrupting(restartable: Restartable) -> None:
    """Ctrl-C in the middle of an epoch ends the program with a KeyboardInterrupt and nothing else."""
    process = start_loop(restartable, "forever")
    assert process.stdout is not None
    process.stdout.readline()
    drain = threading.Thread(target=process.stdout.read)
    drain.start()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) in (-signal.SIGINT, 130)
    drain.join(10)
    errors = process.stderr.read() if process.stderr is not None else ""
    assert errors.strip().endswith("KeyboardInterrupt")
    assert errors.count("Traceback") == 1


def test_interrupting_while_the_daemon_is_away(restartable: Restartable) -> None:
    process = start_loop(restartable, "forever")
    assert process.stdout is not None
    process.stdout.readline()
    restartable.daemon.kill()
    drain = threading.Thread(target=process.stdout.read)
    drain.start()
    process.send_signal(signal.SIGINT)
    assert process.wait(60) in (-signal.SIGINT, 130)
    drain.join(10)
