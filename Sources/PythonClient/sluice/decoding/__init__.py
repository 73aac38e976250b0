"""From bytes to values: every MDS encoding, JSON and separated rows, one sample or a whole batch at a time."""

from sluice.decoding.columns import ColumnValues, decode_columns
from sluice.decoding.encodings import value_decoder
from sluice.decoding.ragged import Ragged
from sluice.decoding.rows import RowDecoder, row_decoder
from sluice.decoding.schema import Column, Schema, ShardFormat

__all__ = [
    "Column",
    "ColumnValues",
    "Ragged",
    "RowDecoder",
    "Schema",
    "ShardFormat",
    "decode_columns",
    "row_decoder",
    "value_decoder",
]
