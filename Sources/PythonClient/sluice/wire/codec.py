"""The protocol's primitive types, written to and read from bytes."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from sluice.errors import ProtocolError

_U8 = struct.Struct("<B")
_U16 = struct.Struct("<H")
_U32 = struct.Struct("<I")
_I64 = struct.Struct("<q")


class Writer:
    """Builds a payload; every method returns the writer."""

    def __init__(self) -> None:
        self.payload = bytearray()

    def u8(self, value: int) -> Writer:
        """One byte."""
        self.payload += _U8.pack(value)
        return self

    def boolean(self, value: bool) -> Writer:
        """One byte, 0 or 1."""
        return self.u8(int(value))

    def u16(self, value: int) -> Writer:
        """Two bytes."""
        self.payload += _U16.pack(value)
        return self

    def u32(self, *values: int) -> Writer:
        """Four bytes each."""
        for value in values:
            self.payload += _U32.pack(value)
        return self

    def i64(self, *values: int) -> Writer:
        """Eight bytes each."""
        for value in values:
            self.payload += _I64.pack(value)
        return self

    def optional_i64(self, value: int | None) -> Writer:
        """A byte that says whether a number follows, and the number."""
        return self.boolean(False) if value is None else self.boolean(True).i64(value)

    def text(self, value: str) -> Writer:
        """Length and UTF-8."""
        data = value.encode()
        self.payload += _U32.pack(len(data)) + data
        return self

    def i64_list(self, values: Sequence[int]) -> Writer:
        """Count and numbers."""
        self.payload += struct.pack(f"<I{len(values)}q", len(values), *values)
        return self

    def u32_list(self, values: Sequence[int]) -> Writer:
        """Count and numbers."""
        self.payload += struct.pack(f"<I{len(values)}I", len(values), *values)
        return self


class Reader:
    """Takes a payload apart; every method raises `ProtocolError` where it is too short or malformed.

    Args:
        payload: all of it.
    """

    def __init__(self, payload: memoryview) -> None:
        self._payload = payload
        self._at = 0

    def _take(self, layout: struct.Struct) -> int:
        end = self._at + layout.size
        if end > len(self._payload):
            raise ProtocolError(f"a frame's payload ends at {len(self._payload)} bytes, inside a field")
        value: int = layout.unpack_from(self._payload, self._at)[0]
        self._at = end
        return value

    def u8(self) -> int:
        """One byte."""
        return self._take(_U8)

    def boolean(self) -> bool:
        """One byte that must be 0 or 1."""
        value = self.u8()
        if value > 1:
            raise ProtocolError(f"{value} is not a boolean")
        return value == 1

    def u16(self) -> int:
        """Two bytes."""
        return self._take(_U16)

    def u32(self) -> int:
        """Four bytes."""
        return self._take(_U32)

    def i64(self) -> int:
        """Eight bytes."""
        return self._take(_I64)

    def raw(self, length: int) -> memoryview:
        """That many bytes."""
        end = self._at + length
        if end > len(self._payload):
            raise ProtocolError(f"a frame's payload ends at {len(self._payload)} bytes, inside a field")
        data = self._payload[self._at : end]
        self._at = end
        return data

    def text(self) -> str:
        """Length and UTF-8."""
        try:
            return str(self.raw(self.u32()), "utf-8")
        except UnicodeDecodeError as error:
            raise ProtocolError(f"a text is not UTF-8: {error}") from error

    def texts(self) -> list[str]:
        """Count and texts."""
        return [self.text() for _ in range(self.u32())]

    def u32_list(self) -> list[int]:
        """Count and numbers."""
        count = self.u32()
        return list(struct.unpack(f"<{count}I", self.raw(4 * count)))

    def finish(self) -> None:
        """The payload must be used up."""
        if self._at != len(self._payload):
            raise ProtocolError(f"a frame's payload has {len(self._payload) - self._at} bytes too many")
