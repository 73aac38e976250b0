"""Shard files that the daemon has passed to a connection, and reading samples out of them."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from sluice.errors import ProtocolError, ShardError
from sluice.memory import Buffer


class OpenFiles:
    """Descriptors under the handles that the daemon gave them. They are open for reading only."""

    def __init__(self) -> None:
        self._files: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._files)

    def add(self, handle: int, descriptor: int) -> None:
        """Takes over a descriptor.

        Raises:
            ProtocolError: the handle is in use.
        """
        if handle in self._files:
            os.close(descriptor)
            raise ProtocolError(f"the daemon gave handle {handle} twice")
        self._files[handle] = descriptor

    def drop(self, handles: tuple[int, ...]) -> None:
        """Closes files that the daemon wants closed."""
        for handle in handles:
            descriptor = self._files.pop(handle, None)
            if descriptor is not None:
                os.close(descriptor)

    def close(self) -> None:
        """Closes all of them."""
        self.drop(tuple(self._files))

    def read(
        self, handles: NDArray[np.uint32], offsets: NDArray[np.int64], lengths: NDArray[np.uint32], buffer: Buffer
    ) -> None:
        """Reads n samples end to end into a buffer; neighbours in a file are one read.

        Args:
            handles: (n,), the file of each.
            offsets: (n,), its position there.
            lengths: (n,), its bytes.
            buffer: as long as all of them together.

        Raises:
            ProtocolError: a handle is unknown.
            ShardError: a file ends before a sample does.
        """
        if len(handles) == 0:
            return
        sizes = lengths.astype(np.int64)
        is_first = np.ones(len(handles), bool)
        is_first[1:] = (handles[1:] != handles[:-1]) | (offsets[1:] != offsets[:-1] + sizes[:-1])
        runs = np.flatnonzero(is_first)
        run_sizes = np.add.reduceat(sizes, runs)
        target, files, preadv = buffer.data, self._files, os.preadv
        at = 0
        # One turn a sample where samples are scattered: every call counts.
        for handle, begin, size in zip(handles[runs].tolist(), offsets[runs].tolist(), run_sizes.tolist(), strict=True):
            descriptor = files.get(handle)
            if descriptor is None:
                raise ProtocolError(f"the daemon names handle {handle}, which it has not given")
            end = at + size
            done = preadv(descriptor, (target[at:end],), begin)
            if done != size:
                _read_rest(descriptor, target[at:end], begin, done)
            at = end


def _read_rest(descriptor: int, target: memoryview, position: int, done: int) -> None:
    while done < len(target):
        count = os.preadv(descriptor, [target[done:]], position + done)
        if count == 0:
            raise ShardError(f"a shard file ends at {position + done}, inside a sample; the file was cut short")
        done += count
