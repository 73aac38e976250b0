"""What a fake daemon reads, writes and is told to do wrong."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

HEADER = struct.Struct("<IHHQ")
MAGIC = 0x43554C53


class Out:
    """A payload being written."""

    def __init__(self) -> None:
        self.data = bytearray()

    def pack(self, layout: str, *values: Any) -> Out:
        self.data += struct.pack("<" + layout, *values)
        return self

    def text(self, value: str) -> Out:
        data = value.encode()
        return self.pack("I", len(data)).raw(data)

    def texts(self, values: list[str]) -> Out:
        self.pack("I", len(values))
        for value in values:
            self.text(value)
        return self

    def raw(self, data: bytes) -> Out:
        self.data += data
        return self


class In:
    """A payload being read."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, layout: str) -> Any:
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return values[0] if len(values) == 1 else values

    def text(self) -> str:
        length = self.take("I")
        self.at += length
        return self.data[self.at - length : self.at].decode()

    def optional(self, read: Callable[[], Any]) -> Any:
        return read() if self.take("B") else None


@dataclass
class RefusalError(Exception):
    code: int
    message: str
    retry: int = 0
    after: int = 0


@dataclass
class Script:
    """What goes wrong."""

    hang_up_before_batch: set[int] = field(default_factory=set)
    """Batch numbers before whose reply the connection is closed, once each."""
    refuse_batch: dict[int, RefusalError] = field(default_factory=dict)
    """Batch numbers that are refused, once each."""
    refuse_always: dict[int, RefusalError] = field(default_factory=dict)
    """Batch numbers that are refused whenever they are asked for."""
    refuse_open: list[RefusalError] = field(default_factory=list)
    """Answers to the next openings."""
    turn_away: RefusalError | None = None
    """Says this under request 0 and closes, before any hello."""
    split_writes: int = 0
    """Sends frames in pieces of so many bytes."""
    max_pipelined: int = 16
    hold_batches: threading.Event | None = None
    """Batch replies wait for it."""
    bytes_mode: int = 2
    """What the daemon chooses."""
    most_batches: int = 1 << 32
    """What one request may have."""
    drop_by_frame: bool = False
    """Before a reply with inline bytes or none, orders the drop of every file that the client has."""
    drop_after: int = 0
    """Orders the drop of a file after so many replies that used it."""


@dataclass
class Session:
    ranks: int
    rank: int
    workers: int
    batch_size: int
    start: int
    epoch: int
    seed: int
    opened: dict[str, Any]
