"""What must be known of a shard to decode its samples: its format and its columns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from sluice.errors import UnsafeTypeError


class ShardFormat(IntEnum):
    """How a sample's bytes are laid out; the numbers are the protocol's."""

    MDS = 0
    JSON = 1
    SEPARATED = 2


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a stream.

    Attributes:
        name: the key in the decoded sample.
        encoding: MosaicML Streaming's name (`int`, `str`, `ndarray:int32:8,8`, …).
        size: bytes of every value when the encoding fixes them, else None.
    """

    name: str
    encoding: str
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Schema:
    """The format and the columns of some of a stream's shards.

    Attributes:
        format: layout of a sample.
        columns: in the order in which a sample holds them.
        separator: between the values of separated formats.
        newline: at the end of a text format's row.
    """

    format: ShardFormat
    columns: tuple[Column, ...]
    separator: str = ","
    newline: str = "\n"

    def require_safe(self, allow_unsafe_types: bool) -> None:
        """Refuses pickled columns.

        Args:
            allow_unsafe_types: the caller trusts the data to run code in this process.

        Raises:
            UnsafeTypeError: there is one, and the caller does not.
        """
        if allow_unsafe_types or self.format is not ShardFormat.MDS:
            return
        for column in self.columns:
            if column.encoding == "pkl":
                raise UnsafeTypeError(
                    f"column {column.name!r} is pickled, and unpickling can run any code; "
                    "pass allow_unsafe_types=True if you trust whoever wrote the data"
                )
