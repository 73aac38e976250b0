"""A column whose values differ in length: all values end to end, and where each begins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

Kind = Literal["bytes", "str", "array"]


class Ragged(Sequence[Any]):
    """The values of a ragged column of n samples, end to end.

    Value i is `values[offsets[i]:offsets[i + 1]]`; indexing gives it as the column's type: `bytes`, `str`, or an array
    of its own shape (a view of `values`).

    Attributes:
        values: one dimension; u8 for bytes and str (UTF-8), else the arrays' dtype. A numpy array or a torch tensor.
        offsets: i64, n + 1 of them, in elements of `values`; a numpy array or a torch tensor.
        shapes: i64, (n, dimensions), of the arrays; None for bytes and str and where the number of dimensions differs.
        kind: `bytes`, `str` or `array`.
    """

    __slots__ = ("_shapes", "kind", "offsets", "shapes", "values")

    def __init__(
        self,
        values: Any,
        offsets: Any,
        kind: Kind,
        shapes: NDArray[np.int64] | Sequence[tuple[int, ...]] | None = None,
    ) -> None:
        self.values = values
        self.offsets = offsets
        self.kind: Kind = kind
        self.shapes = shapes if isinstance(shapes, np.ndarray) else None
        self._shapes = shapes

    @staticmethod
    def of_texts(texts: Sequence[str]) -> Ragged:
        """A column of str.

        Args:
            texts: the values.
        """
        encoded = [text.encode() for text in texts]
        offsets = np.zeros(len(encoded) + 1, np.int64)
        np.cumsum([len(text) for text in encoded], out=offsets[1:])
        return Ragged(np.frombuffer(bytearray(b"".join(encoded)), np.uint8), offsets, "str")

    @property
    def lengths(self) -> Any:
        """Elements of each value: i64, n of them."""
        return self.offsets[1:] - self.offsets[:-1]

    def dense(self) -> Any:
        """The values as one array of shape (n, …), a view.

        Raises:
            ValueError: they are bytes or str, or differ in shape.
        """
        shapes = self.shapes
        if self.kind != "array" or shapes is None or (len(shapes) and (shapes != shapes[0]).any()):
            raise ValueError("only arrays of one shape make a dense array")
        return self.values.reshape(-1, *shapes[0].tolist()) if len(shapes) else self.values

    def to_torch(self) -> Ragged:
        """The same column on torch tensors that share its memory."""
        import torch

        if not isinstance(self.values, np.ndarray):
            return self
        return Ragged(torch.from_numpy(self.values), torch.from_numpy(self.offsets), self.kind, self._shapes)

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @overload
    def __getitem__(self, at: int) -> Any: ...

    @overload
    def __getitem__(self, at: slice) -> list[Any]: ...

    def __getitem__(self, at: int | slice) -> Any:
        if isinstance(at, slice):
            return [self[index] for index in range(*at.indices(len(self)))]
        index = at + len(self) if at < 0 else at
        if not 0 <= index < len(self):
            raise IndexError(f"no value {at} in a column of {len(self)}")
        value = self.values[int(self.offsets[index]) : int(self.offsets[index + 1])]
        if self.kind == "array":
            assert self._shapes is not None
            return value.reshape(tuple(int(dimension) for dimension in self._shapes[index]))
        data = np.asarray(value).tobytes()
        return data.decode() if self.kind == "str" else data

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def __repr__(self) -> str:
        return f"Ragged({self.kind}, {len(self)} values, {len(self.values)} elements of {self.values.dtype})"
