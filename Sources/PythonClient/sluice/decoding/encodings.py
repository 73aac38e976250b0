"""One value of one column: from its bytes to what MosaicML Streaming's decoder returns."""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

import numpy as np

from sluice.decoding.arrays import ArrayEncoding
from sluice.decoding.images import decode_compressed, decode_jpeg_array, decode_raw, list_decoder
from sluice.errors import DecodingError, UnsafeTypeError

ValueDecoder = Callable[[memoryview], Any]

SCALAR_DTYPES: dict[str, np.dtype[Any]] = {
    name: np.dtype(name).newbyteorder("<")
    for name in (
        "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "float32", "float64",
    )
}  # fmt: skip


def _text(value: memoryview) -> str:
    return str(value, "utf-8")


def _int(value: memoryview) -> int:
    number: int = struct.unpack("<q", value)[0]
    return number


def _scalar(dtype: np.dtype[Any]) -> ValueDecoder:
    def decode(value: memoryview) -> Any:
        if len(value) != dtype.itemsize:
            raise ValueError(f"{len(value)} bytes are not one {dtype.name}")
        return np.frombuffer(value, dtype)[0]

    return decode


_DECODERS: dict[str, ValueDecoder] = {
    "bytes": bytes,
    "str": _text,
    "int": _int,
    "str_int": lambda value: int(_text(value)),
    "str_float": lambda value: float(_text(value)),
    "str_decimal": lambda value: Decimal(_text(value)),
    "json": lambda value: json.loads(_text(value)),
    "pil": decode_raw,
    "jpeg": decode_compressed,
    "png": decode_compressed,
    "jpeg_array": decode_jpeg_array,
    "jpegarray": decode_jpeg_array,
    "list[pil]": list_decoder(decode_raw),
    "list[jpeg]": list_decoder(decode_compressed),
    "list[png]": list_decoder(decode_compressed),
    **{name: _scalar(dtype) for name, dtype in SCALAR_DTYPES.items()},
}


@lru_cache(maxsize=1024)
def value_decoder(encoding: str, allow_unsafe_types: bool = False) -> ValueDecoder:
    """The function that decodes one value of an MDS column.

    Args:
        encoding: the column's encoding.
        allow_unsafe_types: whether `pkl` may be decoded, which can run any code.

    Returns:
        A function from a memoryview of the value's bytes to: `bytes`, `str`, `int`, `float`, `Decimal`, a numpy scalar,
        an array of its own (C order, writable), a Pillow image or a list of them, or whatever JSON or a pickle holds.
        It raises whatever the type's own parser raises for bytes that are not of its form.

    Raises:
        UnsafeTypeError: the encoding is `pkl` and that is not allowed.
        DecodingError: there is no such encoding.
    """
    if encoding == "pkl":
        if not allow_unsafe_types:
            raise UnsafeTypeError("a pickled column is decoded only with allow_unsafe_types=True: it can run any code")
        return pickle.loads
    decoder = _DECODERS.get(encoding)
    if decoder is None and (array := ArrayEncoding.parse(encoding)) is not None:
        decoder = array.decoder()
    if decoder is None:
        raise DecodingError(f"{encoding!r} is not an encoding of MDS columns")
    return decoder
