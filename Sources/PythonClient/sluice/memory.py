"""Buffers that batches are read into, used again as soon as nothing refers to them.

Fresh pages cost about as much as the copy into them, so a batch's memory is worth keeping; and a buffer handed out is
never reused while an array or a tensor on it lives, so the user may keep any batch for as long as needed.
"""

from __future__ import annotations

import os
import sys
from threading import Lock

import numpy as np
from numpy.typing import NDArray

Buffer = NDArray[np.uint8]

_ALIGNMENT = 64
_SMALLEST = 1 << 16


class BufferPool:
    """Memory for batches.

    Args:
        limit: buffers kept; what is needed beyond them is allocated and freed.
        pinned: allocate page-locked memory, from which a GPU copies asynchronously; needs torch with CUDA.
    """

    def __init__(self, limit: int = 16, pinned: bool = False) -> None:
        self._limit = limit
        self._pinned = pinned
        self._roots: list[Buffer] = []
        self._lock = Lock()
        self._process = os.getpid()
        self._unused = _references([np.empty(0, np.uint8)])

    def take(self, size: int, align_at: int = 0) -> Buffer:
        """A buffer whose contents are undefined.

        Args:
            size: bytes.
            align_at: position that is to lie on a multiple of 64 bytes of memory.

        Returns:
            u8, one dimension, `size` long, contiguous, writable.
        """
        if self._process != os.getpid():
            # Another thread may have held the lock when this process was forked.
            self._process, self._lock = os.getpid(), Lock()
        with self._lock:
            root = self._root(size + _ALIGNMENT)
        shift = -(root.ctypes.data + align_at) % _ALIGNMENT
        return root[shift : shift + size]

    def _root(self, size: int) -> Buffer:
        smaller = None
        for index in range(len(self._roots)):
            if _references(self._roots, index) == self._unused:
                if len(self._roots[index]) >= size:
                    return self._roots[index]
                smaller = index
        root = self._allocate(max(_SMALLEST, size + size // 4))
        if smaller is not None:
            self._roots[smaller] = root
        elif len(self._roots) < self._limit:
            self._roots.append(root)
        return root

    def _allocate(self, size: int) -> Buffer:
        if not self._pinned:
            return np.empty(size, np.uint8)
        import torch

        pinned: Buffer = torch.empty(size, dtype=torch.uint8, pin_memory=True).numpy()
        return pinned


def _references(roots: list[Buffer], index: int = 0) -> int:
    """References to a root: its views keep it as their base, so it has more than at first while any of them lives."""
    return sys.getrefcount(roots[index])
