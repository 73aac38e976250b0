"""A client written from PROTOCOL.md alone, apart from the Python package: it may say anything, right or wrong."""

from __future__ import annotations

import os
import socket
import struct
from dataclasses import dataclass
from pathlib import Path

MAGIC = 0x43554C53
HELLO, OPEN, SCHEMA, EPOCH, BATCH, SAMPLE, STATE, STATUS, CLOSE, HEALTH, ADMIN = range(1, 12)
ERROR = 0x80FF
MAX_REQUEST = 1 << 20

MALFORMED, VERSION, TOO_LONG, UNKNOWN_KIND, HELLO_EXPECTED = 1, 2, 3, 4, 5
UNKNOWN_DATASET, BAD_WORLD, BAD_RANK, UNKNOWN_SESSION, PAST_END = 10, 11, 12, 13, 14
STREAM_UNAVAILABLE, SHARD_UNAVAILABLE, SHARD_CORRUPT = 30, 31, 32


@dataclass(eq=False)
class Refused(Exception):  # noqa: N818 - named as the protocol sees it
    """An error frame."""

    code: int
    retry: int
    after: int
    message: str


def text(value: str) -> bytes:
    """Encode a text."""
    data = value.encode()
    return struct.pack("<I", len(data)) + data


def header(length: int, kind: int, request: int, descriptors: int = 0) -> bytes:
    """Encode a frame's header."""
    return struct.pack("<IHHQ", length, kind, descriptors, request)


def hello(low: int = 1, high: int = 1, magic: int = MAGIC) -> bytes:
    """Encode hello's payload: no descriptors."""
    return struct.pack("<IHHII", magic, low, high, 0, os.getpid()) + text("wire test")


def open_dataset(name: str, *, nodes: int = 1, ranks: int = 1, workers: int = 1, rank: int = 0) -> bytes:
    """Encode open's payload, without a checkpoint."""
    world = struct.pack("<IIIBII", nodes, ranks, workers, 0, 0, rank)
    return b"\x00" + text(name) + text("") + world + b"\x00\x00"


def batch(session: int, epoch: int, first: int, count: int = 1, mode: int = 3) -> bytes:
    """Encode batch's payload, over all workers."""
    return struct.pack("<IqIIIB", session, epoch, 0xFFFFFFFF, first, count, mode)


class Connection:
    """One connection; requests are numbered from 1."""

    def __init__(self, path: Path, *, greet: bool = True, timeout: float = 60) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(timeout)
        self.socket.connect(str(path))
        self.number = 0
        if greet:
            self.ask(HELLO, hello())

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, kind: int, payload: bytes = b"") -> int:
        """Send a request and give its number."""
        self.number += 1
        self.socket.sendall(header(len(payload), kind, self.number) + payload)
        return self.number

    def ask(self, kind: int, payload: bytes = b"") -> bytes:
        """Send a request and give its reply's payload; raise what the daemon refuses."""
        number = self.send(kind, payload)
        answered, request, reply = self.receive()
        assert request in (number, 0)
        if answered == ERROR:
            raise refusal(reply)
        assert answered == kind | 0x8000 or (kind == SAMPLE and answered == BATCH | 0x8000)
        return reply

    def receive(self) -> tuple[int, int, bytes]:
        """Take one frame: kind, request, payload."""
        length, kind, descriptors, request = struct.unpack("<IHHQ", self.exactly(16))
        assert descriptors == 0
        return kind, request, self.exactly(length)

    def refusal(self) -> Refused:
        """Take one frame, which must be an error."""
        kind, _, payload = self.receive()
        assert kind == ERROR, f"expected an error, got frame {kind:#06x}"
        return refusal(payload)

    def exactly(self, count: int) -> bytes:
        """Take so many bytes."""
        data = b""
        while len(data) < count:
            part = self.socket.recv(count - len(data))
            if not part:
                raise EOFError(f"the daemon closed the connection after {len(data)} of {count} bytes")
            data += part
        return data

    def is_closed(self) -> bool:
        """Whether the daemon has closed it (waits for that within the socket's timeout)."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def refusal(payload: bytes) -> Refused:
    """Decode an error's payload."""
    code, retry, after, length = struct.unpack("<HBII", payload[:11])
    message = payload[11 : 11 + length]
    assert len(payload) == 11 + length
    return Refused(code, retry, after, message.decode())
