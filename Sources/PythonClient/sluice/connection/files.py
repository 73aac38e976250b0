"""Shard files that the daemon has passed to a connection, and reading samples out of them."""

from __future__ import annotations

import mmap
import os

import numpy as np
from numpy.typing import NDArray

from sluice.errors import ProtocolError, ShardError
from sluice.memory import Buffer

# Below this a read costs less than finding the place in a map.
_MAP_FROM = 32 << 10


class OpenFiles:
    """Descriptors under the handles that the daemon gave them. They are open for reading only.

    Attributes:
        mapped: copy large samples out of maps of the files instead of reading them: faster, but a file that someone
            cuts short while it is mapped ends this process (SIGBUS). The daemon never does that to its own.
    """

    def __init__(self) -> None:
        self.mapped = False
        self._files: dict[int, int] = {}
        self._maps: dict[int, mmap.mmap] = {}

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
            file_map = self._maps.pop(handle, None)
            if file_map is not None:
                file_map.close()

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
        target = buffer.data
        at = 0
        for handle, begin, size in zip(handles[runs].tolist(), offsets[runs].tolist(), run_sizes.tolist(), strict=True):
            descriptor = self._files.get(handle)
            if descriptor is None:
                raise ProtocolError(f"the daemon names handle {handle}, which it has not given")
            if self.mapped and size >= _MAP_FROM:
                self._copy(handle, descriptor, begin, buffer[at : at + size])
            else:
                _read_exactly(descriptor, target[at : at + size], begin)
            at += size

    def _copy(self, handle: int, descriptor: int, begin: int, target: Buffer) -> None:
        file_map = self._maps.get(handle)
        if file_map is None:
            if os.fstat(descriptor).st_size == 0:
                raise ShardError("a shard file is empty; it was cut short")
            file_map = self._maps[handle] = mmap.mmap(descriptor, 0, mmap.MAP_PRIVATE, mmap.PROT_READ)
        if begin + len(target) > len(file_map):
            raise ShardError(f"a shard file ends at {len(file_map)}, inside a sample; the file was cut short")
        # The view is gone before the map can be closed. NumPy copies without the interpreter's lock.
        np.copyto(target, np.frombuffer(file_map, np.uint8, len(target), begin))


def _read_exactly(descriptor: int, target: memoryview, position: int) -> None:
    done = 0
    while done < len(target):
        count = os.preadv(descriptor, [target[done:]], position + done)
        if count == 0:
            raise ShardError(f"a shard file ends at {position + done}, inside a sample; the file was cut short")
        done += count
