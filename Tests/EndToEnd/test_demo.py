"""The demo as a person sees it: it ends well, says what it should, and leaves nothing behind however it ends."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.certificates import SYSTEM_TRUST
from testbed.daemon import program

DEMO = Path(__file__).resolve().parents[2] / "scripts" / "demo-parts" / "demo.py"


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start the demo's program on a debug build, in a session of its own."""
    environment = {**os.environ, "SLUICED": str(program("sluiced")), "SLUICE": str(program("sluice"))}
    command = [sys.executable, str(DEMO), "--samples", "600", *arguments]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def descendants(pid: int) -> list[int]:
    """Every process below one, as the kernel has them now."""
    found: list[int] = []
    waiting = [pid]
    while waiting:
        for path in Path(f"/proc/{waiting.pop()}/task").glob("*/children"):
            try:
                children = [int(child) for child in path.read_text().split()]
            except OSError:
                continue  # it ended meanwhile
            found += children
            waiting += children
    return found


def outlive(pids: list[int], seconds: float = 15) -> list[int]:
    """Those that are still there after some time; returns as soon as all are gone."""
    deadline = time.monotonic() + seconds
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        try:
            select.select([handle], [], [], max(0, deadline - time.monotonic()))
        finally:
            os.close(handle)
    return [pid for pid in pids if Path(f"/proc/{pid}").exists() and "Z" not in _state(pid)]


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    """No CA in the system's store, no mount: before and after."""
    mounts = Path("/proc/self/mounts").read_text()
    certificates = sorted(path.name for path in SYSTEM_TRUST.iterdir())
    yield
    assert Path("/proc/self/mounts").read_text() == mounts
    assert sorted(path.name for path in SYSTEM_TRUST.iterdir()) == certificates


def test_it_ends_well() -> None:
    demo = start()
    output, _ = demo.communicate(timeout=120)
    assert demo.returncode == 0, output
    assert "samples came exactly as planned" in output
    assert re.search(r"[\d.]+ MB downloaded in \d+ requests", output)
    assert output.count("first batches") == 2
    assert "\x1b" not in output, "plain where nobody watches"


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_clears_up_however_it_ends(ending: signal.Signals) -> None:
    demo = start("--samples", "20000")
    assert demo.stdout is not None
    for line in demo.stdout:
        if "ready after" in line:
            break
    below = descendants(demo.pid)
    assert below
    # Ctrl-C goes to everything at the terminal, the other two to the one process.
    if ending == signal.SIGINT:
        os.killpg(demo.pid, ending)
    else:
        demo.send_signal(ending)
    demo.communicate(timeout=60)
    assert demo.returncode != 0
    assert not outlive(below)
