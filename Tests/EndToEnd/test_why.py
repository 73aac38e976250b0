"""`sluice why`: what a rank waits for, and where its time went, told by a real daemon under real trouble."""

from __future__ import annotations

import contextlib
import json
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from EndToEnd import wire
from EndToEnd.wire import Connection
from testbed.compressed import compress_stream
from testbed.file_server import Fault
from testbed.fixtures import Stage
from testbed.operations import run_sluice

CAUSES = ("plan", "queue", "download", "verify", "decompress", "client")


def why(stage: Stage) -> list[dict[str, Any]]:
    """Ask why, as JSON."""
    answer = run_sluice("why", "--json", "--socket", str(stage.socket))
    assert answer.returncode == 0, answer.stderr
    sessions: list[dict[str, Any]] = json.loads(answer.stdout)
    return sessions


def wait_until(stage: Stage, holds: Callable[[dict[str, Any]], object], seconds: float = 30) -> dict[str, Any]:
    """Ask until the one session is as wanted: nobody tells when a request has begun to wait."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for session in why(stage):
            if holds(session):
                return session
    raise TimeoutError(f"the session never came to that: {why(stage)}")


class Rank:
    """A rank of dataset `all` on a connection of its own."""

    def __init__(self, stage: Stage, dataset: str = "all") -> None:
        self.client = Connection(stage.socket)
        self.session = struct.unpack("<I", self.client.ask(wire.OPEN, wire.open_dataset(dataset))[:4])[0]
        self.began = time.monotonic()
        reply = self.client.ask(wire.EPOCH, struct.pack("<Iq", self.session, 0))
        self.batches = struct.unpack("<qqI", reply[:20])[2]

    def batch(self, number: int, mode: int = 1) -> float:
        """Take a batch; the seconds that it took."""
        began = time.monotonic()
        self.client.ask(wire.BATCH, wire.batch(self.session, 0, number, mode=mode))
        return time.monotonic() - began


@contextlib.contextmanager
def asking(rank: Rank, number: int) -> Iterator[threading.Thread]:
    """Ask for a batch beside the test."""
    thread = threading.Thread(target=rank.batch, args=(number,))
    thread.start()
    yield thread
    thread.join(60)
    assert not thread.is_alive()


def one_dataset(size: int = 8) -> dict[str, Any]:
    return {"all": {"streams": [{"stream": "web"}], "batch_size": size}}


def stalls(session: dict[str, Any]) -> dict[str, float]:
    found: dict[str, float] = session["stalls"]
    assert set(found) == set(CAUSES)
    return found


def test_a_slow_file_server(stage: Stage) -> None:
    shards = sorted(stage.write("web", 60).glob("*.mds"))
    gate = threading.Event()
    stage.server.fail(f"web/{shards[0].name}", Fault(hold=gate))
    stage.start(stage.configuration({"web": stage.remote("web")}, one_dataset()))
    rank = Rank(stage)
    with rank.client, asking(rank, 0) as thread:
        waiting = wait_until(stage, lambda session: session.get("waiting") and session["stalls"]["download"] > 0.5)
        wait = waiting["waiting"]
        assert wait["cause"] == "download"
        assert wait["outstanding"][0]["shard"] == shards[0].name
        assert wait["outstanding"][0]["phase"] == "download"
        said = run_sluice("why", "0", "--socket", str(stage.socket)).stdout
        assert "rank 0 waits" in said
        assert shards[0].name in said
        shown = run_sluice("status", "--socket", str(stage.socket)).stdout
        assert "1 waiting" in shown
        assert run_sluice("why", "7", "--socket", str(stage.socket)).returncode != 0, "no such rank"
        gate.set()
        thread.join(60)
        took = stalls(wait_until(stage, lambda session: session.get("waiting") is None))
        assert took["download"] > 0.5
        assert took["download"] > 10 * (took["queue"] + took["verify"] + took["decompress"])
        # What passed since the session opened belongs to one cause or another, or to the serving itself.
        assert sum(took.values()) == pytest.approx(time.monotonic() - rank.began, abs=1)


def test_attempts_of_a_remote_that_fails(stage: Stage) -> None:
    shards = sorted(stage.write("web", 60).glob("*.mds"))
    stage.server.fail(f"web/{shards[0].name}", Fault(status=500))
    transfer = {"retry_seconds": 0.05, "retry_maximum_seconds": 0.1}
    stage.start(stage.configuration({"web": stage.remote("web", download_retry=100)}, one_dataset(), transfer=transfer))
    rank = Rank(stage)

    def has_tried(session: dict[str, Any]) -> bool:
        outstanding = session["waiting"]["outstanding"] if session.get("waiting") else []
        return any(shard["attempt"] >= 4 and shard["phase"] == "download" for shard in outstanding)

    with rank.client:
        with asking(rank, 0):
            wait_until(stage, has_tried)
            stage.server.heal(f"web/{shards[0].name}")
        took = stalls(why(stage)[0])
    assert took["download"] > took["queue"] + took["verify"], "pauses between attempts are the remote's doing"


def test_a_large_compressed_shard(stage: Stage) -> None:
    compress_stream(stage.write("web", 40, size=200_000, shard_bytes=16 << 20))
    stage.start(stage.configuration({"web": stage.remote("web")}, one_dataset()))
    rank = Rank(stage)
    with rank.client:
        seconds = rank.batch(0)
        took = stalls(why(stage)[0])
        assert took["decompress"] > 0
        assert took["decompress"] > took["queue"], took
        assert took["verify"] > 0
        waited = took["queue"] + took["download"] + took["verify"] + took["decompress"]
        assert waited == pytest.approx(seconds, abs=0.5)


def test_a_tight_limit(stage: Stage) -> None:
    """Two datasets of one shard each, and room for one: while one is being fetched the other waits for room."""
    for name in ("web", "code"):
        stage.write(name, 8, size=100_000, shard_bytes=4 << 20)
    shard = sum(path.stat().st_size for path in (stage.files / "web").glob("*.mds"))
    gate = threading.Event()
    stage.server.fail("code/shard.00000.mds", Fault(hold=gate))
    datasets = {name: {"streams": [{"stream": name}], "batch_size": 4, "predownload": 1} for name in ("web", "code")}
    configuration = stage.configuration({name: stage.remote(name) for name in datasets}, datasets)
    configuration["cache"]["limit"] = shard + shard // 2
    stage.start(configuration)
    first, second = Rank(stage, "code"), Rank(stage, "web")
    with first.client, second.client, asking(first, 0) as one:
        wait_until(stage, lambda session: session["dataset"] == "code" and session.get("waiting"))
        with asking(second, 0) as other:
            waiting = wait_until(
                stage, lambda session: session["dataset"] == "web" and session["stalls"]["queue"] > 0.5
            )
            assert waiting["waiting"]["cause"] == "queue"
            assert "waits for room" in waiting["waiting"]["room"]
            gate.set()
            one.join(60)
            other.join(60)
        took = stalls(wait_until(stage, lambda session: session["dataset"] == "web" and session.get("waiting") is None))
        assert took["queue"] > 0.5
        assert took["queue"] > took["download"] + took["verify"] + took["decompress"]


def test_a_slow_client(stage: Stage) -> None:
    stage.write("web", 60)
    stage.start(stage.configuration({"web": stage.remote("web")}, one_dataset()))
    rank = Rank(stage)
    with rank.client:
        rank.batch(0)
        before = why(stage)[0]
        after = wait_until(stage, lambda session: session["stalls"]["client"] > before["stalls"]["client"] + 0.5)
        assert after.get("waiting") is None
        rank.batch(0)
        assert stalls(why(stage)[0])["client"] >= after["stalls"]["client"], "what was shown stays"


def test_nobody_is_there(stage: Stage) -> None:
    stage.write("web", 20)
    stage.start(stage.configuration({"web": stage.remote("web")}))
    answer = run_sluice("why", "--socket", str(stage.socket))
    assert answer.returncode != 0
    assert "no session is open" in answer.stderr
