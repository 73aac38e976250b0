"""The `ndarray` encodings: dtype and shape each fixed by the column's name, or stored with every value.

Source: the MDS format's `ndarray`, `ndarray:<dtype>` and `ndarray:<dtype>:<d0>,<d1>,…`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

DTYPE_OF_CODE: dict[int, np.dtype[Any]] = {
    code: np.dtype(name).newbyteorder("<")
    for code, name in {
        8: "uint8",
        9: "int8",
        16: "uint16",
        17: "int16",
        18: "float16",
        32: "uint32",
        33: "int32",
        34: "float32",
        64: "uint64",
        65: "int64",
        66: "float64",
    }.items()
}
_DTYPE_OF_NAME = {dtype.name: dtype for dtype in DTYPE_OF_CODE.values()}
DIMENSION_DTYPES = tuple(np.dtype(name) for name in ("u1", "<u2", "<u4", "<u8"))


@dataclass(frozen=True, slots=True)
class ArrayEncoding:
    """What a column's name fixes of its arrays.

    Attributes:
        dtype: of every value, or None when each value carries its own.
        shape: of every value, or None when each value carries its own.
    """

    dtype: np.dtype[Any] | None
    shape: tuple[int, ...] | None

    @staticmethod
    def parse(encoding: str) -> ArrayEncoding | None:
        """The encoding of that name, or None if it is not one of arrays.

        Args:
            encoding: `ndarray`, `ndarray:int32`, `ndarray:int32:8,8`, ….
        """
        name, _, rest = encoding.partition(":")
        if name != "ndarray":
            return None
        if not rest:
            return ArrayEncoding(None, None)
        dtype_name, *shapes = rest.split(":")
        dtype = _DTYPE_OF_NAME.get(dtype_name)
        if dtype is None or len(shapes) > 1:
            return None
        if not shapes:
            return ArrayEncoding(dtype, None)
        try:
            shape = tuple(int(dimension) for dimension in shapes[0].split(","))
        except ValueError:
            return None
        return ArrayEncoding(dtype, shape) if min(shape) >= 1 else None

    def decoder(self) -> Callable[[memoryview], NDArray[Any]]:
        """A function from a value's bytes to an array of its own, writable, in C order."""
        dtype, shape = self.dtype, self.shape
        if dtype is None:
            return _decode_dynamic
        if shape is None:
            return lambda value: _decode_shaped(value, 0, dtype)
        return lambda value: np.frombuffer(value, dtype).reshape(shape).copy()


def _decode_dynamic(value: memoryview) -> NDArray[Any]:
    dtype = DTYPE_OF_CODE.get(value[0])
    if dtype is None:
        raise ValueError(f"{value[0]} is not the code of an array's dtype")
    return _decode_shaped(value, 1, dtype)


def _decode_shaped(value: memoryview, start: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The array whose shape byte lies at `start`: number of dimensions · 4 + log₂ of a dimension's bytes."""
    byte = value[start]
    dimensions, width = byte >> 2, DIMENSION_DTYPES[byte & 3]
    first = start + 1
    values = first + dimensions * width.itemsize
    shape = tuple(np.frombuffer(value[first:values], width).tolist())
    if len(shape) != dimensions or prod(shape) * dtype.itemsize != len(value) - values:
        raise ValueError(f"an array of shape {shape} and dtype {dtype.name} does not fill {len(value) - values} bytes")
    array: NDArray[Any] = np.frombuffer(value, dtype, offset=values).reshape(shape).copy()
    return array
