"""Indexing with integers, slices, lists and arrays, as the reference allows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

_TOGETHER = 256
"""Items announced at once."""


class Indexable(ABC):
    """Something with `size` items; subclasses override `get_item` or `__getitem__`."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of items."""

    @abstractmethod
    def get_item(self, sample_id: int) -> Any:
        """One item.

        Args:
            sample_id: in 0 ..< size.
        """

    def will_get(self, ids: list[int]) -> None:  # noqa: B027 - most need not know.
        """Told before several items are taken one after another.

        Args:
            ids: in 0 ..< size.
        """

    def __getitem__(self, at: int | slice | list[Any] | NDArray[np.int64]) -> Any:
        """An item, or (nested) lists of items.

        Args:
            at: a number (negative ones count from the end), a slice, or a list or array of any of these.

        Raises:
            IndexError: a number is outside.
            TypeError: `at` is something else.
        """
        if isinstance(at, (int, np.integer)):
            return self.get_item(self._position(int(at)))
        if isinstance(at, slice):
            at = list(range(*at.indices(self.size)))
        if not isinstance(at, (list, np.ndarray)):
            raise TypeError(f"a sample's index is a number, a slice, a list or an array, not {type(at).__name__}")
        if not all(isinstance(item, (int, np.integer)) for item in at):
            return [self[item] for item in at]
        positions = [self._position(int(item)) for item in at]
        items = []
        for start in range(0, len(positions), _TOGETHER):
            some = positions[start : start + _TOGETHER]
            self.will_get(some)
            items += [self[position] for position in some]
        return items

    def _position(self, at: int) -> int:
        position = at + self.size if at < 0 else at
        if not 0 <= position < self.size:
            raise IndexError(f"sample {at} is outside a dataset of {self.size}")
        return position
