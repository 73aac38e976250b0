"""Frames: a 16-byte header and a payload."""

from __future__ import annotations

import struct
from enum import IntEnum

HEADER = struct.Struct("<IHHQ")
"""Payload bytes, kind, descriptors, request number."""

MAX_REQUEST_BYTES = 1 << 20
MAX_DESCRIPTORS = 253
MAGIC = 0x43554C53
VERSION = 1


class Kind(IntEnum):
    """What a frame is; bit 15 is set in the daemon's."""

    HELLO = 1
    OPEN = 2
    SCHEMA = 3
    EPOCH = 4
    BATCH = 5
    SAMPLE = 6
    STATE = 7
    STATUS = 8
    CLOSE = 9
    HEALTH = 10
    ADMIN = 11
    DROPPED = 12
    HELLO_REPLY = 0x8001
    OPEN_REPLY = 0x8002
    SCHEMA_REPLY = 0x8003
    EPOCH_REPLY = 0x8004
    BATCH_REPLY = 0x8005
    STATE_REPLY = 0x8007
    STATUS_REPLY = 0x8008
    CLOSE_REPLY = 0x8009
    HEALTH_REPLY = 0x800A
    ADMIN_REPLY = 0x800B
    DESCRIPTORS = 0x8010
    PROGRESS = 0x8011
    DROP = 0x8012
    ERROR = 0x80FF


REPLY_OF: dict[int, Kind] = {
    Kind.HELLO: Kind.HELLO_REPLY,
    Kind.OPEN: Kind.OPEN_REPLY,
    Kind.SCHEMA: Kind.SCHEMA_REPLY,
    Kind.EPOCH: Kind.EPOCH_REPLY,
    Kind.BATCH: Kind.BATCH_REPLY,
    Kind.SAMPLE: Kind.BATCH_REPLY,
    Kind.STATE: Kind.STATE_REPLY,
    Kind.STATUS: Kind.STATUS_REPLY,
    Kind.CLOSE: Kind.CLOSE_REPLY,
    Kind.HEALTH: Kind.HEALTH_REPLY,
    Kind.ADMIN: Kind.ADMIN_REPLY,
}


def encode_frame(kind: int, request: int, payload: bytes | bytearray) -> bytes:
    """A frame of the client's: header and payload.

    Args:
        kind: of the request.
        request: its number; 0 only for a frame that has no reply.
        payload: at most 1 MiB.

    Raises:
        ValueError: the payload is longer.
    """
    if len(payload) > MAX_REQUEST_BYTES:
        raise ValueError(f"a request of {len(payload)} bytes is over the protocol's {MAX_REQUEST_BYTES}; ask for less")
    return HEADER.pack(len(payload), kind, 0, request) + payload
