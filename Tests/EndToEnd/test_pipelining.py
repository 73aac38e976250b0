"""More requests under way than the hello allows delay the client that sends them, and neither others nor the daemon."""

from __future__ import annotations

import re
import struct
import threading
from pathlib import Path

from EndToEnd import wire
from EndToEnd.wire import Connection
from testbed.fixtures import Stage, in_order

REQUESTS = 10_000
SAMPLES = 400
BATCH_SIZE = 8


def own_memory(process: int) -> int:
    """Bytes that a process has for itself, files apart."""
    found = re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    assert found
    return int(found[1]) << 10


def begin(client: Connection) -> int:
    """Open a session and plan its epoch 0."""
    session: int = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset("all"))[:4])[0]
    client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))
    return session


def epoch(stage: Stage) -> list[bytes]:
    """Every batch of epoch 0, with its bytes, on a connection of its own."""
    with Connection(stage.socket) as client:
        session = begin(client)
        return [
            client.ask(wire.BATCH, wire.batch(session, 0, number, mode=1)) for number in range(SAMPLES // BATCH_SIZE)
        ]


def test_ten_thousand_requests_without_reading(stage: Stage) -> None:
    stage.write("web", SAMPLES)
    configuration = stage.configuration({"web": stage.remote("web")}, {"all": in_order("web", BATCH_SIZE)})
    daemon = stage.start(configuration)
    wanted = epoch(stage)
    replies = REQUESTS * min(map(len, wanted))
    before = own_memory(daemon.pid)
    sent: list[int] = []
    with Connection(stage.socket) as greedy:
        session = begin(greedy)
        greedy.socket.settimeout(None)

        def flood() -> None:
            for number in range(REQUESTS):
                sent.append(greedy.send(wire.BATCH, wire.batch(session, 0, number % len(wanted), mode=1)))

        flooding = threading.Thread(target=flood, daemon=True)
        flooding.start()
        for _ in range(5):
            assert epoch(stage) == wanted, "others are served"
        assert len(sent) < REQUESTS, "it cannot even send what it wants answered"
        grown = [own_memory(daemon.pid) - before]
        for number in range(REQUESTS):
            kind, request, payload = greedy.receive()
            assert (kind, payload) == (wire.BATCH | 0x8000, wanted[number % len(wanted)])
            assert request == sent[0] + number
        flooding.join(60)
        grown.append(own_memory(daemon.pid) - before)
    assert max(grown) < replies // 4, f"{grown} bytes more, of replies of {replies}"
