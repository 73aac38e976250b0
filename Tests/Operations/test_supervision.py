"""The harness itself, judged with small programs in the daemon's place."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from pathlib import Path

from testbed.supervision import NotifySocket, activated, listen, service_environment

ACTIVATED = """
import os, socket
assert int(os.environ["LISTEN_PID"]) == os.getpid()
assert os.environ["LISTEN_FDS"] == "2" and os.environ["LISTEN_FDNAMES"] == "one:two"
assert os.environ["WATCHDOG_PID"] == os.environ["LISTEN_PID"] and os.environ["WATCHDOG_USEC"] == "1500000"
names = [socket.socket(fileno=number).getsockname() for number in (3, 4)]
notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
notify.sendto(b"STATUS=" + " ".join(names).encode() + b"\\nREADY=1", os.environ["NOTIFY_SOCKET"])
"""


def test_activation_and_notification(tmp_path: Path) -> None:
    paths = [tmp_path / "a", tmp_path / "b"]
    with contextlib.ExitStack() as stack:
        notify = stack.enter_context(contextlib.closing(NotifySocket(tmp_path / "notify")))
        listeners = [stack.enter_context(contextlib.closing(listen(path))) for path in paths]
        process = subprocess.Popen(
            activated([sys.executable, "-c", ACTIVATED], listeners),
            env=service_environment(notify, names=["one", "two"], watchdog_seconds=1.5),
            pass_fds=[listener.fileno() for listener in listeners],
        )
        message = notify.wait_ready(20)
        assert process.wait(20) == 0
        assert message.fields["STATUS"] == " ".join(map(str, paths))
        assert message.sender == process.pid


def test_silence_is_told_from_speech(tmp_path: Path) -> None:
    with contextlib.closing(NotifySocket(tmp_path / "notify")) as notify:
        assert notify.silent_for("WATCHDOG", 0.05)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"WATCHDOG=1", str(notify.path))
        assert not notify.silent_for("WATCHDOG", 5)
