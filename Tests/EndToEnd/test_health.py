"""`sluice health` in each state: no socket, refused, silent, loading, ready, degraded, draining."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from pathlib import Path

import pytest

from EndToEnd import wire
from EndToEnd.wire import Connection, Refused
from testbed.daemon import health
from testbed.file_server import Fault
from testbed.fixtures import Stage

# Exit statuses, as `sluice health --help` tells them.
UNREACHABLE, DEGRADED, STARTING = 1, 3, 4


def one_line(text: str) -> str:
    """The answer, which must be one line."""
    lines = text.strip().splitlines()
    assert len(lines) == 1, text
    return lines[0]


def test_no_socket(tmp_path: Path) -> None:
    answer = health(tmp_path / "none.sock")
    assert answer.returncode == UNREACHABLE
    line = one_line(answer.stdout + answer.stderr)
    assert "none.sock" in line


def test_refused(tmp_path: Path) -> None:
    path = tmp_path / "dead.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.close()
    answer = health(path)
    assert answer.returncode == UNREACHABLE
    line = one_line(answer.stdout + answer.stderr)
    assert "dead.sock" in line
    assert "refused" in line.lower()


def test_timed_out(tmp_path: Path) -> None:
    path = tmp_path / "mute.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        answer = health(path, "--timeout", "0.5")
    assert answer.returncode == UNREACHABLE
    line = one_line(answer.stdout + answer.stderr)
    assert "0.5" in line or "time" in line.lower()


def test_nonsense(tmp_path: Path) -> None:
    path = tmp_path / "odd.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer_like_a_web_server() -> None:
            with listener.accept()[0] as connection:
                connection.recv(100)
                connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        server = threading.Thread(target=answer_like_a_web_server)
        server.start()
        answer = health(path, "--timeout", "5")
        server.join(10)
    assert answer.returncode == UNREACHABLE
    one_line(answer.stdout + answer.stderr)


def test_loading_then_ready(stage: Stage) -> None:
    stage.write("web", 60)
    gate = threading.Event()
    stage.server.fail("web/index.json", Fault(hold=gate, times=1))
    daemon = stage.start(stage.configuration({"web": stage.remote("web")}), ready=False)
    # It listens before its indexes are there, so that one who asks is told so.
    waiting = health(stage.socket, "--wait", "3")
    assert daemon.process.poll() is None, daemon.log_end()
    assert waiting.returncode == STARTING
    assert "load" in (waiting.stdout + waiting.stderr).lower() or "start" in (waiting.stdout + waiting.stderr).lower()
    gate.set()
    answer = health(stage.socket, "--wait", "30")
    assert answer.returncode == 0, answer.stdout + answer.stderr
    one_line(answer.stdout)


def test_ready_as_json(stage: Stage) -> None:
    stage.write("web", 60)
    stage.start(stage.configuration({"web": stage.remote("web")}))
    answer = health(stage.socket, "--json")
    assert answer.returncode == 0
    assert json.loads(answer.stdout)["state"] == "ready"


def test_a_dead_remote_degrades(stage: Stage) -> None:
    stage.write("web", 60)
    streams = {"web": stage.remote("web"), "gone": {"remote": "https://localhost:1/gone", "download_retry": 1}}
    datasets = {name: {"streams": [{"stream": name}], "batch_size": 4} for name in streams}
    stage.start(stage.configuration(streams, datasets), ready=False)
    answer = health(stage.socket, "--wait", "30", "--json")
    assert answer.returncode == DEGRADED
    assert json.loads(answer.stdout)["state"] == "degraded"
    assert "gone" in answer.stdout
    assert health(stage.socket, "--ready").returncode == 0, "degraded serves"
    assert health(stage.socket, "--live").returncode == 0


def take(client: Connection, session: int, batches: range) -> None:
    """Take batches of epoch 0."""
    for number in batches:
        client.ask(wire.BATCH, wire.batch(session, 0, number, mode=1))


def test_a_remote_that_dies_later_degrades_until_it_is_back(stage: Stage) -> None:
    shards = sorted(stage.write("web", 120).glob("*.mds"))
    datasets = {"all": {"streams": [{"stream": "web"}], "batch_size": 8, "predownload": 1}}
    stage.start(stage.configuration({"web": stage.remote("web", download_retry=1)}, datasets))
    with Connection(stage.socket) as client:
        session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset("all"))[:4])[0]
        client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))
        client.ask(wire.BATCH, wire.batch(session, 0, 0, mode=1))
        for shard in shards:
            stage.server.fail(f"web/{shard.name}", Fault(status=500))
        with pytest.raises(Refused):
            take(client, session, range(1, 15))
        answer = health(stage.socket, "--json")
        assert answer.returncode == DEGRADED
        assert "500" in json.loads(answer.stdout)["detail"]
        assert health(stage.socket, "--ready").returncode == 0
        client.ask(wire.BATCH, wire.batch(session, 0, 0, mode=1))
        for shard in shards:
            stage.server.heal(f"web/{shard.name}")
        take(client, session, range(15))
    assert health(stage.socket).returncode == 0


@pytest.mark.parametrize("status", [503, 429])
def test_a_remote_that_only_wants_fewer_requests_degrades_until_something_comes(stage: Stage, status: int) -> None:
    shards = sorted(stage.write("web", 120).glob("*.mds"))
    for shard in shards:
        stage.server.fail(f"web/{shard.name}", Fault(status=status))
    # It is told after a minute, or half of what a trainer waits for.
    configuration = stage.configuration({"web": stage.remote("web")}, wait_seconds=3)
    configuration["transfer"] = {"retry_seconds": 0.05, "retry_maximum_seconds": 0.1}
    stage.start(configuration)
    with Connection(stage.socket) as client:
        session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset("all"))[:4])[0]
        client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))
        wait_for_health(stage, DEGRADED)
        detail = json.loads(health(stage.socket, "--json").stdout)["detail"]
        assert detail.startswith("stream web: nothing has come for")
        assert "/web/shard.0000" in detail
        assert f"(status {status})" in detail
        assert health(stage.socket, "--ready").returncode == 0
        for shard in shards:
            stage.server.heal(f"web/{shard.name}")
        wait_for_health(stage, 0)
        assert stage.daemons[0].log_text().count("nothing comes from a remote") == 1


def wait_for_health(stage: Stage, wanted: int) -> None:
    """Ask until health has this exit status: it changes by itself, with time."""
    deadline, pause = time.monotonic() + 60, threading.Event()
    while (answer := health(stage.socket)).returncode != wanted:
        if time.monotonic() > deadline:
            raise TimeoutError(f"never {wanted}: {answer.stdout}{answer.stderr}")
        pause.wait(0.1)


@pytest.mark.parametrize("option", ["--live", "--ready"])
def test_probes(stage: Stage, option: str) -> None:
    stage.write("web", 60)
    stage.start(stage.configuration({"web": stage.remote("web")}))
    assert health(stage.socket, option).returncode == 0
