"""Batch requests and replies: a table of samples, with their bytes or with where their bytes lie."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from sluice.errors import ProtocolError
from sluice.wire.codec import Reader

ALL_WORKERS = 0xFFFFFFFF
_REQUEST = struct.Struct("<IqIIIB")
_PREFIX = struct.Struct("<qIIIB3x")
PREFIX_BYTES = _PREFIX.size
_U32 = np.dtype("<u4")
_I64 = np.dtype("<i8")
_FEW = 9


class Bytes(IntEnum):
    """How a sample's bytes come."""

    DAEMON_CHOOSES = 0
    INLINE = 1
    DESCRIPTORS = 2
    NONE = 3


# A name of an enumeration costs as much as a small reply's arithmetic.
_MODES = {int(mode): mode for mode in (Bytes.INLINE, Bytes.DESCRIPTORS, Bytes.NONE)}
_INLINE, _DESCRIPTORS = int(Bytes.INLINE), int(Bytes.DESCRIPTORS)


def encode_batch_request(session: int, epoch: int, worker: int, first: int, count: int, how: Bytes) -> bytes:
    """Payload of a request for batches `first ..< first + count` of a worker, or of the rank (`ALL_WORKERS`)."""
    return _REQUEST.pack(session, epoch, worker, first, count, how)


def encode_sample_request(session: int, ids: Sequence[int], how: Bytes) -> bytes:
    """Payload of a request for samples by global id."""
    return struct.pack(f"<IBI{len(ids)}q", session, how, len(ids), *ids)


def decode_handles(payload: memoryview) -> tuple[int, ...]:
    """The handles that a `descriptors` or a `drop` frame names.

    Raises:
        ProtocolError: its payload is none of theirs.
    """
    reader = Reader(payload)
    handles = reader.u32_list()
    reader.finish()
    return tuple(handles)


def bytes_position(prefix: memoryview) -> int | None:
    """Where in a batch reply the samples' bytes begin; None if it has none.

    Args:
        prefix: the first `PREFIX_BYTES` bytes of the payload.
    """
    _, _, batches, samples, mode = _PREFIX.unpack_from(prefix)
    return PREFIX_BYTES + 4 * batches + 24 * samples + 8 * (samples + 1) if mode == _INLINE else None


@dataclass(slots=True)
class BatchReply:
    """n samples of m batches; arrays are views of the frame.

    Attributes:
        epoch: of the request; -1 for samples by id.
        first: number of the first batch.
        mode: how the bytes come.
        counts: u32 (m,), samples of each batch.
        ids: i64 (n,), global sample ids.
        streams: u32 (n,), position in the session's streams.
        shards: u32 (n,), shard of that stream.
        indices: u32 (n,), index in that shard.
        schemas: u32 (n,), position in the session's schemas.
        offsets: inline: i64 (n + 1,) into `data`; descriptors: i64 (n,) in their files.
        data: inline: the samples' bytes.
        handles: descriptors: u32 (n,), which open file each sample lies in.
        lengths: descriptors: u32 (n,), bytes of each sample.
        drops: descriptors: handles to close once the bytes have been read.
    """

    epoch: int
    first: int
    mode: Bytes
    counts: NDArray[np.uint32]
    ids: NDArray[np.int64]
    streams: NDArray[np.uint32]
    shards: NDArray[np.uint32]
    indices: NDArray[np.uint32]
    schemas: NDArray[np.uint32]
    offsets: NDArray[np.int64] | None = None
    data: NDArray[np.uint8] | None = None
    handles: NDArray[np.uint32] | None = None
    lengths: NDArray[np.uint32] | None = None
    drops: tuple[int, ...] = ()

    @staticmethod
    def decode(payload: NDArray[np.uint8]) -> BatchReply:
        """From the payload of a batch reply: u8, one dimension, contiguous.

        Raises:
            ProtocolError: it is not one.
        """
        size = len(payload)
        if size < PREFIX_BYTES:
            raise ProtocolError(f"a batch reply of {size} bytes is too short")
        epoch, first, m, n, number = _PREFIX.unpack_from(payload.data)
        mode = _MODES.get(number)
        at = PREFIX_BYTES + 4 * m + 24 * n
        end = at + (8 * (n + 1) if number == _INLINE else 16 * n + 4 if number == _DESCRIPTORS else 0)
        if mode is None or end > size:
            raise ProtocolError(f"a batch reply of {size} bytes has mode {number}, {m} batches and {n} samples")
        counts = payload[PREFIX_BYTES : PREFIX_BYTES + 4 * m].view(_U32)
        table = payload[at - 16 * n : at].view(_U32)
        reply = BatchReply(
            epoch, first, mode, counts, payload[at - 24 * n : at - 16 * n].view(_I64),
            table[:n], table[n : 2 * n], table[2 * n : 3 * n], table[3 * n :],
        )  # fmt: skip
        if sum(counts.tolist()) != n:
            raise ProtocolError("a batch reply's counts are not its samples")
        if number == _INLINE:
            reply._read_inline(payload, at, end)
        elif number == _DESCRIPTORS:
            reply._read_descriptors(payload, at, n)
        elif end != size:
            raise ProtocolError(f"a batch reply has {size - end} bytes too many")
        return reply

    def parts(self) -> list[BatchReply]:
        """A reply for each of its batches; what is to be closed after the last is that one's to order."""
        if len(self.counts) == 1:
            return [self]
        parts = []
        begin = 0
        for number, count in enumerate(self.counts.tolist()):
            end = begin + count
            part = BatchReply(
                self.epoch, self.first + number, self.mode, self.counts[number : number + 1], self.ids[begin:end],
                self.streams[begin:end], self.shards[begin:end], self.indices[begin:end], self.schemas[begin:end],
            )  # fmt: skip
            if self.handles is not None and self.offsets is not None and self.lengths is not None:
                part.handles, part.lengths = self.handles[begin:end], self.lengths[begin:end]
                part.offsets = self.offsets[begin:end]
            elif self.data is not None and self.offsets is not None:
                offsets = self.offsets[begin : end + 1]
                part.offsets, part.data = offsets - offsets[0], self.data[offsets[0] : offsets[-1]]
            parts.append(part)
            begin = end
        parts[-1].drops = self.drops
        return parts

    def _read_inline(self, payload: NDArray[np.uint8], at: int, end: int) -> None:
        self.offsets = offsets = payload[at:end].view(_I64)
        self.data = data = payload[end:]
        if len(offsets) <= _FEW:
            values = offsets.tolist()
            right = values[0] == 0 and values[-1] == len(data) and values == sorted(values)
        else:
            right = offsets[0] == 0 and offsets[-1] == len(data) and bool((offsets[1:] >= offsets[:-1]).all())
        if not right:
            raise ProtocolError("a batch reply's offsets are not those of its bytes")

    def _read_descriptors(self, payload: NDArray[np.uint8], at: int, n: int) -> None:
        self.handles = payload[at : at + 4 * n].view(_U32)
        self.offsets = payload[at + 4 * n : at + 12 * n].view(_I64)
        self.lengths = payload[at + 12 * n : at + 16 * n].view(_U32)
        drops = payload[at + 16 * n :]
        count = int(drops[:4].view(_U32)[0])
        if 4 + 4 * count != len(drops):
            raise ProtocolError(f"a batch reply's list of {count} drops has {len(drops) - 4} bytes")
        if count:
            self.drops = tuple(drops[4:].view(_U32).tolist())
