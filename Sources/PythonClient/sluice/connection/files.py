"""Shard files that the daemon has passed to a connection, and reading samples out of them."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

from sluice.connection.readers import Piece, Readers, is_large, read_piece
from sluice.errors import ProtocolError
from sluice.memory import Buffer


class OpenFiles:
    """Descriptors under the handles that the daemon gave them. They are open for reading only."""

    def __init__(self) -> None:
        self._files: dict[int, int] = {}
        self._readers: Readers | None = None

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
        if self._readers is not None:
            self._readers.close()
            self._readers = None

    def read(
        self,
        handles: NDArray[np.uint32],
        offsets: NDArray[np.int64],
        lengths: NDArray[np.uint32],
        buffer: Buffer,
        threads: int = 1,
    ) -> None:
        """Reads n samples end to end into a buffer; neighbours in a file are one read.

        Args:
            handles: (n,), the file of each.
            offsets: (n,), its position there.
            lengths: (n,), its bytes.
            buffer: as long as all of them together.
            threads: that read, where that is faster.

        Raises:
            ProtocolError: a handle is unknown.
            ShardError: a file ends before a sample does.
        """
        target = buffer.data
        pieces = self._pieces(handles, offsets, lengths)
        if threads > 1 and is_large(pieces, len(buffer)):
            if self._readers is None:
                self._readers = Readers(threads - 1)
            self._readers.read(pieces, target)
            return
        preadv = os.preadv
        # One turn a sample where samples are scattered: every call counts.
        for descriptor, begin, at, size in pieces:
            if preadv(descriptor, (target[at : at + size],), begin) != size:
                read_piece(descriptor, begin, target[at : at + size])

    def _pieces(
        self, handles: NDArray[np.uint32], offsets: NDArray[np.int64], lengths: NDArray[np.uint32]
    ) -> list[Piece]:
        """What is to be read and where it goes, samples that follow one another in a file as one."""
        pieces: list[Piece] = []
        handle_before = end = -1
        descriptor: int | None = None
        at = begin_at = 0
        # For a batch's few samples this takes half of what NumPy's functions cost.
        for handle, begin, size in zip(handles.tolist(), offsets.tolist(), lengths.tolist(), strict=True):
            if handle == handle_before and begin == end and descriptor is not None:
                end += size
                at += size
                pieces[-1] = (descriptor, end - (at - begin_at), begin_at, at - begin_at)
                continue
            descriptor = self._files.get(handle)
            if descriptor is None:
                raise ProtocolError(f"the daemon names handle {handle}, which it has not given")
            pieces.append((descriptor, begin, at, size))
            handle_before, end, begin_at = handle, begin + size, at
            at += size
        return pieces
