"""One sample: from its bytes to a dict of columns, as MosaicML Streaming's readers return it."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from typing import Any

from sluice.decoding.encodings import value_decoder
from sluice.decoding.schema import Schema, ShardFormat
from sluice.errors import DecodingError, SluiceError

RowDecoder = Callable[[memoryview], dict[str, Any]]

_TEXT_DECODERS: dict[str, Callable[[str], Any]] = {"str": str, "int": int, "float": float}


def row_decoder(schema: Schema, allow_unsafe_types: bool = False) -> RowDecoder:
    """The function that decodes a sample of this schema.

    Args:
        schema: format and columns.
        allow_unsafe_types: whether pickled columns may be decoded.

    Returns:
        A function from a sample's bytes to `{column name: value}`; it raises `DecodingError`, which names the column,
        for bytes that are not of the schema.

    Raises:
        UnsafeTypeError: a column is pickled and that is not allowed.
        DecodingError: a column's encoding is unknown.
    """
    if schema.format is ShardFormat.MDS:
        return _mds_decoder(schema, allow_unsafe_types)
    if schema.format is ShardFormat.JSON:
        return _decode_json
    return _separated_decoder(schema)


def _mds_decoder(schema: Schema, allow_unsafe_types: bool) -> RowDecoder:
    """MDS: the u32 lengths of the columns that have no fixed size, then every column's bytes."""
    schema.require_safe(allow_unsafe_types)
    columns = [
        (column.name, column.encoding, column.size or 0, value_decoder(column.encoding, allow_unsafe_types))
        for column in schema.columns
    ]
    head = struct.Struct(f"<{sum(size == 0 for _, _, size, _ in columns)}I")

    def decode(sample: memoryview) -> dict[str, Any]:
        if len(sample) < head.size:
            raise DecodingError(f"a sample of {len(sample)} bytes is too short for its columns' lengths")
        lengths = iter(head.unpack_from(sample))
        at = head.size
        row = {}
        for name, encoding, size, decoder in columns:
            end = at + (size or next(lengths))
            if end > len(sample):
                raise DecodingError(
                    f"column {name!r} reaches past the end of its sample ({end} of {len(sample)} bytes)"
                )
            try:
                row[name] = decoder(sample[at:end])
            except SluiceError:
                raise
            except Exception as error:
                raise DecodingError(f"column {name!r} is not {encoding}: {error}") from error
            at = end
        return row

    return decode


def _decode_json(sample: memoryview) -> dict[str, Any]:
    try:
        row = json.loads(str(sample, "utf-8"))
    except ValueError as error:
        raise DecodingError(f"a sample is not a JSON object: {error}") from error
    if not isinstance(row, dict):
        raise DecodingError(f"a sample is not a JSON object but {type(row).__name__}")
    return row


def _separated_decoder(schema: Schema) -> RowDecoder:
    """CSV, TSV and XSV: values between separators, without quoting; fields beyond the columns are ignored."""
    columns = []
    for column in schema.columns:
        if column.encoding not in _TEXT_DECODERS:
            raise DecodingError(f"{column.encoding!r} is not an encoding of separated values")
        columns.append((column.name, column.encoding, _TEXT_DECODERS[column.encoding]))
    separator, drop = schema.separator, len(schema.newline)

    def decode(sample: memoryview) -> dict[str, Any]:
        try:
            text = str(sample, "utf-8")
        except UnicodeDecodeError as error:
            raise DecodingError(f"a row is not UTF-8: {error}") from error
        row = {}
        for (name, encoding, decoder), part in zip(columns, text[:-drop].split(separator), strict=False):
            try:
                row[name] = decoder(part)
            except ValueError as error:
                raise DecodingError(f"column {name!r} is not {encoding}: {error}") from error
        return row

    return decode
