"""How programs end: by themselves in the middle of an epoch, by an exception, by Ctrl-C; and without a daemon."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import pytest
import sluice

from PythonClientTests.reference.conftest import Served
from PythonClientTests.reference.ranks import SOURCES
from testbed.daemon import dying_with_us

TORCH = importlib.util.find_spec("torch") is not None
LOADERS = ["batches", *(["2"] if TORCH else [])]
"""A BatchLoader, or the number of a StreamingDataLoader's workers."""

LOOP = """
import sys
import sluice
dataset = sluice.StreamingDataset("mix", socket=sys.argv[1], batch_size=4)
if sys.argv[3] == "batches":
    loader = sluice.BatchLoader(dataset)
else:
    loader = sluice.StreamingDataLoader(dataset, batch_size=4, num_workers=int(sys.argv[3]))
while True:
    for batch in loader:
        print("batch", flush=True)
        if sys.argv[2] == "leave":
            sys.exit(0)
        if sys.argv[2] == "raise":
            raise ArithmeticError("the model diverged")
"""


@contextlib.contextmanager
def looping(served: Served, what: str, loader: str) -> Iterator[subprocess.Popen[str]]:
    """A program with a process group of its own, of which nothing may be left afterwards."""
    code = f"import sys; sys.path.insert(0, {str(SOURCES)!r})\n{LOOP}"
    process = subprocess.Popen(
        dying_with_us([sys.executable, "-c", code, str(served.socket), what, loader]),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
        wait_for_the_last_of(process.pid)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


def wait_for_the_last_of(group: int) -> None:
    """No worker process outlives its program by more than torch's own patience with them."""
    deadline, pause = time.monotonic() + 30, threading.Event()
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return
        pause.wait(0.02)
    raise AssertionError(f"processes of group {group} are left")


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(("what", "status", "said"), [("leave", 0, ""), ("raise", 1, "the model diverged")])
def test_ending_in_the_middle_of_an_epoch(restartable: Served, what: str, status: int, said: str, loader: str) -> None:
    with looping(restartable, what, loader) as process:
        _, errors = process.communicate(timeout=60)
        assert process.returncode == status, errors
        assert said in errors
        assert "Fatal Python error" not in errors
        assert errors.count("Traceback") == status


AT_EXIT = """
import atexit, sys, threading
def left():
    print("left:", [thread.name for thread in threading.enumerate() if thread.name.startswith("sluice-epoch")])
atexit.register(left)  # so that it runs last
import sluice
dataset = sluice.StreamingDataset("mix", socket=sys.argv[1], batch_size=4)
batches = iter(sluice.BatchLoader(dataset))
next(batches)
print("running:", [thread.name for thread in threading.enumerate() if thread.name.startswith("sluice-epoch")])
"""


def test_no_thread_is_reading_when_the_interpreter_ends(restartable: Served) -> None:
    """Being ended inside PyTorch's code would abort the process."""
    code = f"import sys; sys.path.insert(0, {str(SOURCES)!r})\n{AT_EXIT}"
    command = dying_with_us([sys.executable, "-c", code, str(restartable.socket)])
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert answer.stdout.splitlines() == ["running: ['sluice-epoch-0']", "left: []"], answer


def interrupt(process: subprocess.Popen[str]) -> str:
    """Ctrl-C, which reaches workers as well; what the program says before it has ended."""
    assert process.stdout is not None
    assert process.stderr is not None
    drain = threading.Thread(target=process.stdout.read)
    drain.start()
    os.killpg(process.pid, signal.SIGINT)
    errors = process.stderr.read()
    assert process.wait(60) in (-signal.SIGINT, 130), errors
    drain.join(10)
    return errors


@pytest.mark.parametrize("loader", LOADERS)
def test_interrupting(restartable: Served, loader: str) -> None:
    """The program ends with one KeyboardInterrupt and nothing else."""
    with looping(restartable, "forever", loader) as process:
        assert process.stdout is not None
        process.stdout.readline()
        errors = interrupt(process)
        # The thread with which multiprocessing hands tensors over may have lost its other end, and says so.
        foreign = errors.count(", in _serve")
        assert errors.count("KeyboardInterrupt") == 1, errors
        assert errors.count("Traceback") - foreign == 1, errors


@pytest.mark.parametrize("loader", LOADERS)
def test_interrupting_while_the_daemon_is_away(restartable: Served, loader: str) -> None:
    with looping(restartable, "forever", loader) as process:
        assert process.stdout is not None
        process.stdout.readline()
        restartable.daemon.kill()
        assert "KeyboardInterrupt" in interrupt(process)


@pytest.mark.parametrize("loader", [*LOADERS, *(["0", "2 persistent"] if TORCH else [])])
def test_a_daemon_that_stays_away(restartable: Served, loader: str) -> None:
    """One clear error in the loop, whichever process noticed, after the wait that was asked for."""
    dataset = sluice.StreamingDataset("mix", socket=restartable.socket, batch_size=4, wait=0.5)
    kind, _, persistent = loader.partition(" ")
    batches = (
        sluice.BatchLoader(dataset, prefetch=1)
        if kind == "batches"
        else sluice.StreamingDataLoader(
            dataset, batch_size=4, num_workers=int(kind), persistent_workers=bool(persistent)
        )
    )
    iterator = iter(batches)
    next(iterator)
    restartable.daemon.kill()
    with pytest.raises(sluice.errors.DaemonUnavailableError) as raised:
        for _ in iterator:
            pass
    for part in (str(restartable.socket), "sluiced --config", "waited", "SLUICE_WAIT"):
        assert part in str(raised.value)
    # It is no dead end: with the daemon back, the next epoch comes.
    restartable.start()
    restartable.daemon.wait_ready()
    assert sum(1 for _ in batches) == len(batches)


def test_no_daemon_at_all(restartable: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    restartable.daemon.kill()
    monkeypatch.setenv("SLUICE_SOCKET", str(restartable.socket))
    monkeypatch.setenv("SLUICE_WAIT", "0.3")
    began = time.monotonic()
    with pytest.raises(sluice.errors.DaemonUnavailableError, match="waited 0") as raised:
        sluice.StreamingDataset("mix")
    assert 0.2 < time.monotonic() - began < 20
    assert str(restartable.socket) in str(raised.value)
