"""Frames that are too long, cut short or malformed: each gets its error, and the daemon serves the others on."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from EndToEnd import wire
from EndToEnd.test_strain import eventually
from EndToEnd.wire import Connection, Refused
from testbed.daemon import health
from testbed.fixtures import Stage


@pytest.fixture
def served(stage: Stage) -> Iterator[Stage]:
    """A stage with one small stream served; afterwards the daemon must still be well."""
    stage.write("web", 120)
    daemon = stage.start(stage.configuration({"web": stage.remote("web")}))
    yield stage
    assert daemon.process.poll() is None, daemon.log_end()
    assert health(stage.socket).returncode == 0
    with Connection(stage.socket) as client:
        client.ask(wire.OPEN, wire.open_dataset("all"))


def test_a_frame_over_the_limit_is_refused_before_its_payload(served: Stage) -> None:
    with Connection(served.socket) as client:
        client.socket.sendall(wire.header(wire.MAX_REQUEST + 1, wire.OPEN, 9))
        refused = client.refusal()
        assert refused.code == wire.TOO_LONG
        assert str(wire.MAX_REQUEST) in refused.message
        assert client.is_closed()


@pytest.mark.parametrize("length", [1 << 31, (1 << 32) - 1])
def test_absurd_lengths_cost_nothing(served: Stage, length: int) -> None:
    with Connection(served.socket) as client:
        client.socket.sendall(wire.header(length, wire.BATCH, 1))
        assert client.refusal().code == wire.TOO_LONG


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        pytest.param(wire.OPEN, b"", id="empty"),
        pytest.param(wire.OPEN, wire.open_dataset("all")[:-1], id="one byte short"),
        pytest.param(wire.OPEN, wire.open_dataset("all") + b"\x00", id="one byte over"),
        pytest.param(wire.OPEN, b"\x02" + wire.open_dataset("all")[1:], id="a bool of 2"),
        pytest.param(wire.OPEN, b"\x00" + struct.pack("<I", 1 << 30) + b"all", id="a text longer than the frame"),
        pytest.param(wire.OPEN, b"\x00" + struct.pack("<I", 2) + b"\xff\xfe" + bytes(40), id="not UTF-8"),
        pytest.param(wire.SAMPLE, struct.pack("<IBI", 1, 3, 1 << 30), id="a list longer than the frame"),
        pytest.param(wire.BATCH, wire.batch(1, 0, 0, mode=9), id="no such mode"),
        pytest.param(wire.HEALTH, b"?", id="payload where there is none"),
    ],
)
def test_malformed_payloads(served: Stage, kind: int, payload: bytes) -> None:
    with Connection(served.socket) as client:
        with pytest.raises(Refused) as caught:
            client.ask(kind, payload)
        assert caught.value.code == wire.MALFORMED
        assert caught.value.message
        assert client.is_closed()


@pytest.mark.parametrize("kind", [0, 99, 0x8001, 0xFFFF])
def test_unknown_kinds(served: Stage, kind: int) -> None:
    with Connection(served.socket) as client:
        client.send(kind)
        assert client.refusal().code == wire.UNKNOWN_KIND
        assert client.is_closed()


def test_the_first_frame_must_be_hello(served: Stage) -> None:
    with Connection(served.socket, greet=False) as client:
        client.send(wire.STATUS)
        assert client.refusal().code == wire.HELLO_EXPECTED
        assert client.is_closed()


def test_versions_without_one_in_common(served: Stage) -> None:
    with Connection(served.socket, greet=False) as client:
        client.send(wire.HELLO, wire.hello(low=40, high=50))
        refused = client.refusal()
        assert refused.code == wire.VERSION
        assert "1" in refused.message
        assert client.is_closed()


def test_a_wrong_magic_number(served: Stage) -> None:
    with Connection(served.socket, greet=False) as client:
        client.send(wire.HELLO, wire.hello(magic=0x47455420))
        assert client.refusal().code in (wire.MALFORMED, wire.HELLO_EXPECTED)
        assert client.is_closed()


def test_frames_in_single_bytes(served: Stage) -> None:
    payload = wire.open_dataset("all")
    with Connection(served.socket) as client:
        for byte in wire.header(len(payload), wire.OPEN, 7) + payload:
            client.socket.sendall(bytes([byte]))
        kind, request, _ = client.receive()
        assert (kind, request) == (wire.OPEN | 0x8000, 7)


def test_clients_that_vanish_in_the_middle_of_a_frame(served: Stage) -> None:
    payload = wire.open_dataset("all")
    frame = wire.header(len(payload), wire.OPEN, 1) + payload
    for cut in range(0, len(frame), 3):
        with Connection(served.socket) as client:
            client.socket.sendall(frame[:cut])


def test_noise(served: Stage) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    generator = random.Random(seed)  # noqa: S311 - a test's noise
    for _ in range(60):
        noise = generator.randbytes(generator.randrange(1, 400))
        with Connection(served.socket, greet=generator.random() < 0.5) as client:
            client.socket.sendall(noise)


FRAMES = Path(__file__).resolve().parents[1] / "Fixtures" / "wire"
#: Mutilated frames; `SLUICE_MUTATED_FRAMES=1000000` for many more.
MUTATED = int(os.environ.get("SLUICE_MUTATED_FRAMES", "20000"))


def test_mutilated_conversations(served: Stage) -> None:
    """Golden requests, cut, lengthened and changed at random, many in a conversation, in the daemon's own process."""
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    generator = random.Random(seed)  # noqa: S311 - a test's noise
    golden = [path.read_bytes() for path in sorted(FRAMES.glob("request-*.frame"))]
    assert len(golden) > 10
    pid = served.daemons[-1].pid
    descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    sent = 0
    while sent < MUTATED:
        frames = [mutilated(generator.choice(golden), generator) for _ in range(generator.randrange(1, 24))]
        sent += len(frames)
        # It hangs up at the first frame that closes the connection, perhaps before all is sent.
        with Connection(served.socket) as client, contextlib.suppress(BrokenPipeError, ConnectionResetError):
            client.send(wire.OPEN, wire.open_dataset("all"))
            client.socket.sendall(b"".join(frames))
            client.socket.shutdown(socket.SHUT_WR)
            while client.socket.recv(1 << 16):
                pass
    eventually(lambda: len(list(Path(f"/proc/{pid}/fd").iterdir())) <= descriptors + 16, "the daemon keeps descriptors")


def mutilated(frame: bytes, generator: random.Random) -> bytes:
    """Change some of its bytes, cut it or lengthen it; one in eight stays as it is."""
    data = bytearray(frame)
    match generator.randrange(8):
        case 0:
            pass
        case 1:
            del data[generator.randrange(len(data)) :]
        case 2:
            at = generator.randrange(len(data) + 1)
            data[at:at] = generator.randbytes(generator.randrange(1, 40))
        case 3:
            # The payload cut or lengthened, the header true to it.
            change = generator.randrange(-8, 9)
            data = data[:change] if change < 0 else data + generator.randbytes(change)
            if len(data) >= 16:
                data[:4] = struct.pack("<I", len(data) - 16)
        case _:
            for _ in range(generator.randrange(1, 6)):
                data[generator.randrange(len(data))] = generator.randrange(256)
    return bytes(data)
