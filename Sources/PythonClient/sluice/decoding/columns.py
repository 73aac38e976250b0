"""The columns of a batch, all samples at once.

Fixed-size columns become one array without a loop over samples; ragged ones their values end to end with offsets. Only
what has no such form (images, JSON, decimals, pickles) is decoded value by value into a list.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from sluice.decoding.arrays import DIMENSION_DTYPES, DTYPE_OF_CODE, ArrayEncoding
from sluice.decoding.encodings import SCALAR_DTYPES, value_decoder
from sluice.decoding.gather import Bytes, Positions, fixed_pieces, ragged_pieces
from sluice.decoding.ragged import Ragged
from sluice.decoding.rows import row_decoder
from sluice.decoding.schema import Column, Schema, ShardFormat
from sluice.errors import DecodingError, SluiceError

ColumnValues: TypeAlias = "NDArray[Any] | Ragged | list[Any]"


def decode_columns(
    schema: Schema, raw: Bytes, offsets: Positions, allow_unsafe_types: bool = False
) -> dict[str, ColumnValues]:
    """The columns of n samples of one schema that lie end to end in a buffer.

    Args:
        schema: of all the samples.
        raw: u8, one dimension, contiguous; results may be views of it.
        offsets: n + 1 positions in `raw`: sample i is `raw[offsets[i]:offsets[i + 1]]`.
        allow_unsafe_types: whether pickled columns may be decoded.

    Returns:
        For each column, by encoding: `int` an i64 array (n,); a sized number an array (n,) of its dtype; an `ndarray`
        of fixed shape an array (n, …); `str_float` an f64 array (n,); `bytes`, `str` and other `ndarray`s a `Ragged`
        (a list of arrays if their dtypes differ); anything else a list of n values. In JSON and separated shards: `int`
        an i64 array (a list if a value does not fit), `float` an f64 array, `str` a `Ragged`.

    Raises:
        DecodingError: the bytes are not of the schema; it names the column.
        UnsafeTypeError: a column is pickled and that is not allowed.
    """
    if schema.format is not ShardFormat.MDS:
        return _text_columns(schema, raw, offsets)
    schema.require_safe(allow_unsafe_types)
    sizes = [column.size or 0 for column in schema.columns]
    starts, ends = offsets[:-1], offsets[1:]
    if 0 not in sizes:
        return _fixed_layout(schema, raw, starts, ends - starts, sum(sizes))

    head = 4 * sizes.count(0)
    if len(starts) and int((ends - starts).min()) < head:
        raise DecodingError("a sample is too short for its columns' lengths")
    heads = fixed_pieces(raw, starts, head).view("<u4").astype(np.int64)
    at, heads_used = starts + head, 0
    pieces: list[tuple[Column, Positions, Positions | int]] = []
    for column, size in zip(schema.columns, sizes, strict=True):
        length: Positions | int = size
        if size == 0:
            length = heads[:, heads_used]
            heads_used += 1
        pieces.append((column, at, length))
        at = at + length
        if bool((at > ends).any()):
            raise DecodingError(f"column {column.name!r} reaches past the end of its sample")
    return {
        column.name: _fixed_column(column, fixed_pieces(raw, at, length))
        if isinstance(length, int)
        else _ragged_column(column, raw, at, length, allow_unsafe_types)
        for column, at, length in pieces
    }


def _fixed_layout(
    schema: Schema, raw: Bytes, starts: Positions, lengths: Positions, width: int
) -> dict[str, ColumnValues]:
    """Every column has a fixed size, so the samples are the rows of a table."""
    count = len(starts)
    if count and int(lengths.min()) < width:
        raise DecodingError(f"a sample of {int(lengths.min())} bytes is shorter than its columns' {width}")
    if count and int(lengths.max()) == width:
        first = int(starts[0])
        table = raw[first : first + count * width].reshape(count, width)
    else:
        table = fixed_pieces(raw, starts, width)
    columns: dict[str, ColumnValues] = {}
    at = 0
    for column in schema.columns:
        size = column.size or 0
        columns[column.name] = _fixed_column(column, np.ascontiguousarray(table[:, at : at + size]))
        at += size
    return columns


def _fixed_column(column: Column, table: Bytes) -> ColumnValues:
    """The column whose values are the rows of `table`: (n, size), contiguous."""
    dtype, shape = _fixed_type(column.encoding)
    if dtype is None:
        decoder = value_decoder(column.encoding)
        return _each(column, [decoder_input.data for decoder_input in table], decoder)
    expected = dtype.itemsize * prod(shape)
    if table.shape[1] != expected:
        raise DecodingError(
            f"column {column.name!r} is {column.encoding}, {expected} bytes a value, but its size is {table.shape[1]}"
        )
    values = table.reshape(-1).view(dtype)
    if not values.flags.aligned:
        values = values.copy()
    return values.reshape(len(table), *shape)


@lru_cache(maxsize=1024)
def _fixed_type(encoding: str) -> tuple[np.dtype[Any] | None, tuple[int, ...]]:
    if encoding == "int":
        return SCALAR_DTYPES["int64"], ()
    if (dtype := SCALAR_DTYPES.get(encoding)) is not None:
        return dtype, ()
    array = ArrayEncoding.parse(encoding)
    if array is not None and array.dtype is not None and array.shape is not None:
        return array.dtype, array.shape
    return None, ()


def _ragged_column(
    column: Column, raw: Bytes, starts: Positions, lengths: Positions, allow_unsafe_types: bool
) -> ColumnValues:
    encoding = column.encoding
    if encoding in ("bytes", "str"):
        values, offsets = ragged_pieces(raw, starts, lengths)
        return Ragged(values, offsets, "str" if encoding == "str" else "bytes")
    array = ArrayEncoding.parse(encoding)
    if array is not None and array.shape is None:
        columns = _ragged_arrays(column, array.dtype, raw, starts, lengths)
        if columns is not None:
            return columns
    decoder = value_decoder(encoding, allow_unsafe_types)
    views = [raw[start : start + length].data for start, length in zip(starts.tolist(), lengths.tolist(), strict=True)]
    values_list = _each(column, views, decoder)
    if encoding == "str_float":
        return np.array(values_list, np.float64)
    return values_list


def _each(column: Column, views: list[memoryview], decoder: Any) -> list[Any]:
    try:
        return [decoder(view) for view in views]
    except SluiceError:
        raise
    except Exception as error:
        raise DecodingError(f"column {column.name!r} is not {column.encoding}: {error}") from error


def _ragged_arrays(
    column: Column, dtype: np.dtype[Any] | None, raw: Bytes, starts: Positions, lengths: Positions
) -> Ragged | None:
    """Arrays that carry their shape (and, without `dtype`, its code); None if their dtypes differ."""
    count = len(starts)
    if count == 0:
        return Ragged(np.empty(0, dtype or np.uint8), np.zeros(1, np.int64), "array", np.empty((0, 0), np.int64))
    if int(lengths.min()) < (1 if dtype is not None else 2):
        raise DecodingError(f"column {column.name!r}: a value is too short for an array")
    shape_at = starts
    if dtype is None:
        codes = raw[starts]
        if bool((codes != codes[0]).any()):
            return None
        dtype = DTYPE_OF_CODE.get(int(codes[0]))
        if dtype is None:
            raise DecodingError(f"column {column.name!r}: {int(codes[0])} is not the code of an array's dtype")
        shape_at = starts + 1

    shape_bytes = raw[shape_at]
    shapes: list[tuple[int, ...]] = [()] * count
    values_at = np.empty(count, np.int64)
    elements = np.empty(count, np.int64)
    kinds = np.unique(shape_bytes).tolist()
    table = np.empty((count, kinds[0] >> 2), np.int64) if len({kind >> 2 for kind in kinds}) == 1 else None
    for kind in kinds:
        dimensions, width = kind >> 2, DIMENSION_DTYPES[kind & 3]
        chosen = np.flatnonzero(shape_bytes == kind)
        at = shape_at[chosen] + 1
        end = at + dimensions * width.itemsize
        if bool((end > starts[chosen] + lengths[chosen]).any()):
            raise DecodingError(f"column {column.name!r}: a value is too short for its array's shape")
        sizes = fixed_pieces(raw, at, dimensions * width.itemsize).view(width).astype(np.int64)
        sizes = sizes.reshape(len(chosen), dimensions)
        values_at[chosen] = end
        elements[chosen] = sizes.prod(axis=1)
        if table is not None:
            table[chosen] = sizes
        else:
            for index, row in zip(chosen.tolist(), sizes.tolist(), strict=True):
                shapes[index] = tuple(row)
    value_lengths = lengths - (values_at - starts)
    if bool((value_lengths != elements * dtype.itemsize).any()):
        raise DecodingError(f"column {column.name!r}: an array's shape does not fill its value")
    values, offsets = ragged_pieces(raw, values_at, value_lengths)
    if values.ctypes.data % dtype.alignment:
        values = values.copy()
    return Ragged(values.view(dtype), offsets // dtype.itemsize, "array", shapes if table is None else table)


def _text_columns(schema: Schema, raw: Bytes, offsets: Positions) -> dict[str, ColumnValues]:
    decode = row_decoder(schema)
    bounds = offsets.tolist()
    rows = [decode(raw[start:end].data) for start, end in pairwise(bounds)]
    columns: dict[str, ColumnValues] = {}
    for column in schema.columns:
        try:
            values = [row[column.name] for row in rows]
        except KeyError:
            raise DecodingError(f"column {column.name!r} is missing from a row") from None
        columns[column.name] = _text_column(column.encoding, values)
    return columns


def _text_column(encoding: str, values: list[Any]) -> ColumnValues:
    """JSON may hold anything whatever its column's encoding says; what does not fit stays a list."""
    if encoding == "str" and all(type(value) is str for value in values):
        return Ragged.of_texts(values)
    if encoding == "int" and all(type(value) is int and -(2**63) <= value < 2**63 for value in values):
        return np.array(values, np.int64)
    if encoding == "float" and all(type(value) is float for value in values):
        return np.array(values, np.float64)
    return values
