"""Batch requests and replies: a table of samples, with their bytes or with where their bytes lie."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sluice.errors import ProtocolError

ALL_WORKERS = 0xFFFFFFFF
_REQUEST = struct.Struct("<IqIIIB")
_PREFIX = struct.Struct("<qIIIB3x")
PREFIX_BYTES = _PREFIX.size
_MAX_SAMPLES = 1 << 28


class Bytes(IntEnum):
    """How a sample's bytes come."""

    DAEMON_CHOOSES = 0
    INLINE = 1
    DESCRIPTORS = 2
    NONE = 3


def encode_batch_request(session: int, epoch: int, worker: int, first: int, count: int, how: Bytes) -> bytes:
    """Payload of a request for batches `first ..< first + count` of a worker, or of the rank (`ALL_WORKERS`)."""
    return _REQUEST.pack(session, epoch, worker, first, count, how)


def encode_sample_request(session: int, ids: NDArray[np.int64], how: Bytes) -> bytes:
    """Payload of a request for samples by global id."""
    return struct.pack("<IBI", session, how, len(ids)) + ids.astype("<i8", copy=False).tobytes()


def bytes_position(prefix: memoryview) -> int | None:
    """Where in a batch reply the samples' bytes begin; None if it has none.

    Args:
        prefix: the first `PREFIX_BYTES` bytes of the payload.
    """
    _, _, batches, samples, mode = _PREFIX.unpack_from(prefix)
    return PREFIX_BYTES + 4 * batches + 24 * samples + 8 * (samples + 1) if mode == Bytes.INLINE else None


@dataclass(frozen=True, slots=True)
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
        offsets: inline: u64 (n + 1,) into `data`; descriptors: u64 (n,) in their files.
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
    offsets: NDArray[np.uint64] | None = None
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
        if len(payload) < PREFIX_BYTES:
            raise ProtocolError(f"a batch reply of {len(payload)} bytes is too short")
        epoch, first, batches, samples, mode = _PREFIX.unpack_from(payload.data)
        if mode not in (Bytes.INLINE, Bytes.DESCRIPTORS, Bytes.NONE) or samples > _MAX_SAMPLES:
            raise ProtocolError(f"a batch reply has mode {mode} and {samples} samples")
        at = PREFIX_BYTES

        def take(dtype: str, count: int) -> NDArray[Any]:
            nonlocal at
            try:
                array: NDArray[Any] = np.frombuffer(payload, dtype, count, at) if count else np.empty(0, dtype)
            except ValueError as error:
                raise ProtocolError(
                    f"a batch reply of {len(payload)} bytes is too short for {samples} samples"
                ) from error
            at += array.nbytes
            return array

        counts, ids = take("<u4", batches), take("<i8", samples)
        streams, shards, indices, schemas = (take("<u4", samples) for _ in range(4))
        if int(counts.sum(dtype=np.int64)) != samples:
            raise ProtocolError("a batch reply's counts are not its samples")
        offsets = data = handles = lengths = None
        drops: tuple[int, ...] = ()
        if mode == Bytes.INLINE:
            offsets = take("<u8", samples + 1)
            data = payload[at:]
            at = len(payload)
            if int(offsets[0]) != 0 or int(offsets[-1]) != len(data) or bool((offsets[1:] < offsets[:-1]).any()):
                raise ProtocolError("a batch reply's offsets are not those of its bytes")
        elif mode == Bytes.DESCRIPTORS:
            handles, offsets, lengths = take("<u4", samples), take("<u8", samples), take("<u4", samples)
            drops = tuple(take("<u4", int(take("<u4", 1)[0])).tolist())
        if at != len(payload):
            raise ProtocolError(f"a batch reply has {len(payload) - at} bytes too many")
        return BatchReply(
            epoch=epoch,
            first=first,
            mode=Bytes(mode),
            counts=counts,
            ids=ids,
            streams=streams,
            shards=shards,
            indices=indices,
            schemas=schemas,
            offsets=offsets,
            data=data,
            handles=handles,
            lengths=lengths,
            drops=drops,
        )
