"""The screens of `sluice` on terminals of different widths: nothing runs over, nothing of a client's steers them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import termios
import threading
from collections.abc import Iterator

import pytest

from EndToEnd import wire
from EndToEnd.wire import Connection, Refused
from testbed.daemon import program
from testbed.file_server import Fault
from testbed.fixtures import Stage


class Screen:
    """`sluice` on a terminal of our own."""

    def __init__(self, columns: int, rows: int, *arguments: str, colours: bool = False) -> None:
        self.reader, writer = pty.openpty()
        fcntl.ioctl(writer, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        if not colours:
            environment["NO_COLOR"] = "1"
        self.process = subprocess.Popen(
            [str(program("sluice")), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=writer,
            stderr=writer,
            env=environment,
        )
        os.close(writer)

    def read_until(self, marker: str, times: int) -> str:
        """What it shows until something was shown so often."""
        shown = b""
        while shown.decode(errors="replace").count(marker) < times:
            part = os.read(self.reader, 65536)
            assert part
            shown += part
        return shown.decode(errors="replace")

    def everything(self) -> str:
        """What it shows until it ends."""
        shown = b""
        with contextlib.suppress(OSError):  # how a terminal says that nobody writes to it any more
            while part := os.read(self.reader, 65536):
                shown += part
        os.close(self.reader)
        assert self.process.wait(30) == 0, shown
        return shown.decode()


@pytest.fixture
def busy(stage: Stage) -> Iterator[Stage]:
    """A daemon with sessions, one of which waits, a long name, a dead remote and a client with a wicked name."""
    stage.write("web", 120)
    name = "a-stream-with-a-rather-long-name-of-its-own-that-no-narrow-terminal-has-room-for"
    shards = sorted(stage.write("stuck", 40).glob("*.mds"))
    gate = threading.Event()
    for shard in shards:
        stage.server.fail(f"stuck/{shard.name}", Fault(hold=gate))
    streams = {
        "web": stage.remote("web"),
        name: stage.remote("stuck"),
        "gone": {"remote": "https://localhost:1/gone", "download_retry": 1},
    }
    datasets = {
        "all": {"streams": ["web"], "batch_size": 8},
        "stuck": {"streams": [name], "batch_size": 4},
        "gone": {"streams": ["gone"]},
    }
    stage.start(stage.configuration(streams, datasets), degraded=True)
    with contextlib.ExitStack() as stack:
        for dataset in ("all", "stuck"):
            client = stack.enter_context(Connection(stage.socket, greet=False))
            client.ask(wire.HELLO, wire.hello()[: -len("wire test")] + b"\x1b[31mevil")
            session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset(dataset))[:4])[0]
            client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))
            client.send(wire.BATCH, wire.batch(session, 0, 0, mode=1))
            if dataset == "all":
                client.receive()
        other = stack.enter_context(Connection(stage.socket))
        with pytest.raises(Refused):
            other.ask(wire.OPEN, wire.open_dataset("gone"))
        yield stage
        gate.set()


def shown_at(stage: Stage, command: str, columns: int) -> str:
    """What a command shows on a terminal of this width; every line must fit."""
    shown = Screen(columns, 50, command, "--socket", str(stage.socket)).everything()
    assert "\x1b" not in shown, "no colours were asked for, and no client may add its own"
    lines = shown.splitlines()
    assert len(lines) > 2
    assert max(len(line) for line in lines) <= columns
    return shown


def test_lines_fit_every_width(busy: Stage) -> None:
    for columns in (40, 60, 80, 132, 200):
        shown = shown_at(busy, "status", columns)
        lines = shown.splitlines()
        assert lines[0].startswith("DEGRADED")
        assert "gone" in shown
        for title in ("SESSIONS", "DOWNLOADS", "CACHE", "STREAMS", "DATASETS", "LAST ERRORS"):
            assert any(line.startswith(title) for line in lines), shown
        if columns >= 80:
            assert re.search(r"waits [\d.]+ s \(download\)", shown), shown
        if columns >= 132:
            assert "[31mevil" in shown
        why = shown_at(busy, "why", columns)
        assert "shard.00000.mds" in why
        assert "download" in why
        assert "CACHE" in shown_at(busy, "cache", columns)


def test_colours_are_for_terminals_alone(busy: Stage) -> None:
    coloured = Screen(100, 50, "status", "--socket", str(busy.socket), colours=True).everything()
    assert coloured.startswith("\x1b[33mDEGRADED")
    command = [str(program("sluice")), "status", "--socket", str(busy.socket)]
    piped = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    assert "\x1b" not in piped
    assert any(len(line) > 60 for line in piped.splitlines()), "a pipe has no width to keep to"


def test_watching_fills_one_screen_again_and_again(busy: Stage) -> None:
    screen = Screen(80, 20, "status", "--watch", "0.2", "--socket", str(busy.socket))
    shown = screen.read_until("\x1b[H", 4)
    screen.process.send_signal(signal.SIGTERM)
    screen.process.wait(30)
    os.close(screen.reader)
    pictures = shown.split("\x1b[H")[1:-1]
    assert pictures
    for picture in pictures:
        lines = re.sub(r"\x1b\[[KJ]", "", picture).splitlines()
        assert len(lines) <= 20
        assert "more lines" in lines[-1]
