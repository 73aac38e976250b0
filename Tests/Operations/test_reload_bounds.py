"""What a reload bounds anew is bounded anew in the daemon that runs: paces, disk, what is fetched ahead, a drain."""

from __future__ import annotations

import json
import signal
import struct
import threading
from pathlib import Path

from EndToEnd import wire
from EndToEnd.wire import Connection
from Operations.reloading import PLAIN, opened, reload, start, status, wait_until
from testbed.daemon import health
from testbed.file_server import Fault
from testbed.fixtures import Stage
from testbed.operations import cache_status

DRAINING = 4
#: What the cache counts for a shard besides its bytes.
RECORD_BYTES = 4096


def shards(stage: Stage) -> list[Path]:
    """The files of the shards, in order."""
    return sorted((stage.files / "web").glob("*.mds"))


def fetched(stage: Stage) -> int:
    """How many shards the server was asked for."""
    return len({exchange.path for exchange in stage.server.exchanges if exchange.path.endswith(".mds")})


def test_minimum_rate(stage: Stage) -> None:
    """A trickle is let be, until a reload says how much is too little."""
    stage.write("web", 400)
    for shard in shards(stage):
        stage.server.fail(f"web/{shard.name}", Fault(trickle=0.05))
    # Paces are judged after this many seconds without regard to what has come.
    streams = {"web": stage.remote("web", download_timeout=1)}
    configuration = stage.configuration(streams, PLAIN, transfer={"minimum_rate": 0, "downloads": 1})
    stage.start(configuration)
    with Connection(stage.socket) as client:
        session = opened(client)
        client.ask(wire.BATCH, wire.batch(session, 0, 0, mode=1))
        assert "slow" not in json.dumps(status(stage)["transfer"]["retries"])
        configuration["transfer"] |= {"minimum_rate": "1mb"}
        reload(stage, configuration, "applied: transfer.minimum_rate")
        wait_until(lambda: "slow" in json.dumps(status(stage)["transfer"]["retries"]))


def test_prefetch_limit(stage: Stage) -> None:
    """Less is fetched ahead of a session in mid-epoch, then all that the limit holds."""
    stage.write("web", 400, shard_bytes=1 << 13)
    every = shards(stage)
    size = max(path.stat().st_size for path in every) + RECORD_BYTES
    configuration = stage.configuration({"web": stage.remote("web")}, PLAIN)
    configuration["cache"]["prefetch_limit"] = 5 * size
    stage.start(configuration)
    owners = [
        number
        for number, record in enumerate(json.loads((stage.files / "web" / "index.json").read_text())["shards"])
        for _ in range(record["samples"])
    ]
    with Connection(stage.socket) as client:
        session = opened(client)
        client.ask(wire.BATCH, wire.batch(session, 0, 0, mode=1))
        wait_until(lambda: cache_status(stage.socket)["shards"] >= 5)
        configuration["cache"]["prefetch_limit"] = 1
        reload(stage, configuration, "applied: cache.prefetch_limit")
        # What was begun before is far behind by then.
        for number in range(1, 30):
            client.ask(wire.BATCH, wire.batch(session, 0, number, mode=1))
        assert fetched(stage) == len(set(owners[: 30 * 8])) < len(every)
        del configuration["cache"]["prefetch_limit"]
        reload(stage, configuration, "applied: cache.prefetch_limit")
        wait_until(lambda: fetched(stage) == len(every))


def test_plans_limit(stage: Stage) -> None:
    """What is kept beyond a smaller limit goes at once, nothing is kept beyond it, and a larger one holds more."""
    configuration = start(stage)
    directory = stage.directory / "cache" / "plans"

    def kept() -> list[int]:
        return [path.stat().st_size for path in directory.glob("*.plan")]

    with Connection(stage.socket) as client:
        session = opened(client)

        def plan(epochs: range) -> None:
            for epoch in epochs:
                client.ask(wire.EPOCH, struct.pack("<Iq", session, epoch))

        plan(range(1, 4))
        assert len(kept()) == 4
        most = max(kept())
        configuration["plans"] = {"limit": most}
        reload(stage, configuration, "applied: plans.limit")
        assert len(kept()) == 1
        plan(range(4, 6))
        assert len(kept()) == 1
        configuration["plans"] = {"limit": 3 * most}
        reload(stage, configuration, "applied: plans.limit")
        plan(range(6, 10))
        assert len(kept()) == 3


def owed(stage: Stage, client: Connection, gate: threading.Event) -> int:
    """Have a batch under way that cannot be answered until the gate opens; the request's number."""
    for shard in shards(stage):
        stage.server.fail(f"web/{shard.name}", Fault(hold=gate))
    number = client.send(wire.BATCH, wire.batch(opened(client), 0, 0, mode=1))
    # Taken up: the session waits for a shard.
    wait_until(lambda: any(session.get("waiting") for session in status(stage)["sessions"]))
    return number


def test_a_shorter_drain(stage: Stage) -> None:
    configuration = start(stage, drain_seconds=600)
    daemon, gate = stage.daemons[0], threading.Event()
    with Connection(stage.socket) as client:
        owed(stage, client, gate)
        configuration["drain_seconds"] = 1
        reload(stage, configuration, "applied: drain_seconds")
        daemon.process.send_signal(signal.SIGTERM)
        daemon.process.wait(60)
    gate.set()


def test_a_longer_drain(stage: Stage) -> None:
    configuration = start(stage, drain_seconds=0)
    daemon, gate = stage.daemons[0], threading.Event()
    with Connection(stage.socket) as client:
        number = owed(stage, client, gate)
        configuration["drain_seconds"] = 600
        reload(stage, configuration, "applied: drain_seconds")
        daemon.process.send_signal(signal.SIGTERM)
        daemon.wait_for_log("stopping")
        wait_until(lambda: health(stage.socket).returncode == DRAINING)
        gate.set()
        kind, request, _ = client.receive()
        assert (kind, request) == (wire.BATCH | 0x8000, number)
    assert daemon.process.wait(60) == 0
