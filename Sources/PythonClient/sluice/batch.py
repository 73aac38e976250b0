"""One batch of samples, decoded as asked for: sample by sample, or all columns at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sluice.decoding import ColumnValues, Ragged, RowDecoder, Schema, decode_columns, row_decoder
from sluice.errors import DecodingError
from sluice.memory import Buffer


class Schemas:
    """The schemas of a session, with a decoder for each.

    Args:
        schemas: as the daemon lists them.
        allow_unsafe_types: whether pickled columns may be decoded.

    Raises:
        UnsafeTypeError: a column is pickled and that is not allowed.
    """

    def __init__(self, schemas: list[Schema], allow_unsafe_types: bool = False) -> None:
        for schema in schemas:
            schema.require_safe(allow_unsafe_types)
        self.schemas = schemas
        self.allow_unsafe_types = allow_unsafe_types
        self._rows: dict[int, RowDecoder] = {}

    def row(self, index: int) -> RowDecoder:
        """The function that decodes a sample of that schema."""
        decoder = self._rows.get(index)
        if decoder is None:
            if index >= len(self.schemas):
                raise DecodingError(f"a sample is of schema {index}, but the dataset has {len(self.schemas)}")
            decoder = self._rows[index] = row_decoder(self.schemas[index], self.allow_unsafe_types)
        return decoder


@dataclass(slots=True)
class Batch:
    """n samples in the order of the plan.

    Attributes:
        epoch: of the plan; -1 for samples asked for by id.
        number: of the batch, as the request counted.
        ids: i64 (n,), global sample ids.
        streams: u32 (n,), position in the session's streams.
        shards: u32 (n,), shard of that stream.
        indices: u32 (n,), index in that shard.
        schemas: u32 (n,), position in the session's schemas.
        data: u8, the samples' bytes end to end; empty if they were not asked for.
        offsets: i64 (n + 1,): sample i is `data[offsets[i]:offsets[i + 1]]`.
        decoders: for the samples' schemas.
        more_at_hand: whether the batch after this one has come already, with the same reply.
    """

    epoch: int
    number: int
    ids: NDArray[np.int64]
    streams: NDArray[np.uint32]
    shards: NDArray[np.uint32]
    indices: NDArray[np.uint32]
    schemas: NDArray[np.uint32]
    data: Buffer = field(repr=False)
    offsets: NDArray[np.int64] = field(repr=False)
    decoders: Schemas = field(repr=False)
    more_at_hand: bool = field(default=False, repr=False)

    def __len__(self) -> int:
        return len(self.ids)

    def samples(self) -> list[dict[str, Any]]:
        """Every sample as `{column: value}`, with the values that MosaicML Streaming's decoders return.

        Raises:
            DecodingError: a sample's bytes are not of its schema; it names the sample.
        """
        return [self.sample(index) for index in range(len(self))]

    def sample(self, index: int) -> dict[str, Any]:
        """One sample as `{column: value}`.

        Args:
            index: in this batch.

        Raises:
            DecodingError: its bytes are not of its schema.
        """
        decode = self.decoders.row(int(self.schemas[index]))
        try:
            return decode(self.data[self.offsets[index] : self.offsets[index + 1]].data)
        except DecodingError as error:
            raise DecodingError(
                f"sample {int(self.ids[index])} (stream {int(self.streams[index])}, shard {int(self.shards[index])}, "
                f"index {int(self.indices[index])}): {error}"
            ) from error

    def columns(self) -> dict[str, ColumnValues]:
        """Every column of all samples; see `sluice.decoding.decode_columns` for the types.

        Samples of several schemas may share a batch if their columns have the same names; a column that is then not of
        one dtype and shape throughout becomes a list.

        Raises:
            DecodingError: a sample's bytes are not of its schema, or the samples' columns differ in name.
        """
        if len(self) == 0:
            return {}
        first = int(self.schemas[0])
        self.decoders.row(first)
        if bool((self.schemas == first).all()):
            return self._columns(first, self.data, self.offsets)
        parts = []
        for index in np.unique(self.schemas).tolist():
            self.decoders.row(index)
            chosen = np.flatnonzero(self.schemas == index)
            pieces = [self.data[self.offsets[at] : self.offsets[at + 1]] for at in chosen.tolist()]
            offsets = np.zeros(len(chosen) + 1, np.int64)
            np.cumsum([len(piece) for piece in pieces], out=offsets[1:])
            parts.append((chosen, self._columns(index, np.concatenate(pieces), offsets)))
        names = list(parts[0][1])
        for _, part in parts:
            if list(part) != names:
                raise DecodingError(
                    f"this batch mixes samples with columns {names} and {list(part)}, which make no common columns; "
                    "use samples() or a collate_fn, or per_stream batching"
                )
        return {name: _merge(len(self), [(chosen, part[name]) for chosen, part in parts]) for name in names}

    def _columns(self, schema: int, data: Buffer, offsets: NDArray[np.int64]) -> dict[str, ColumnValues]:
        return decode_columns(self.decoders.schemas[schema], data, offsets, self.decoders.allow_unsafe_types)


def _merge(count: int, parts: list[tuple[NDArray[np.int64], ColumnValues]]) -> ColumnValues:
    """One column from its pieces, each with its samples' places."""
    pieces = [piece for _, piece in parts]
    first = pieces[0]
    if isinstance(first, np.ndarray) and all(
        isinstance(piece, np.ndarray) and piece.dtype == first.dtype and piece.shape[1:] == first.shape[1:]
        for piece in pieces
    ):
        merged = np.empty((count, *first.shape[1:]), first.dtype)
        for chosen, piece in parts:
            merged[chosen] = piece
        return merged
    values: list[Any] = [None] * count
    for chosen, piece in parts:
        for at, value in zip(chosen.tolist(), piece, strict=True):
            values[at] = value
    if all(isinstance(piece, Ragged) and piece.kind == "str" for piece in pieces):
        return Ragged.of_texts(values)
    return values
