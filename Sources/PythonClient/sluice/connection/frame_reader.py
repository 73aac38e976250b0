"""Frames out of a stream of bytes, and the descriptors that come with them."""

from __future__ import annotations

import array
import os
import socket
from collections import deque

import numpy as np

from sluice.connection.endings import ConnectionLostError
from sluice.connection.files import OpenFiles
from sluice.connection.promptness import Promptness
from sluice.errors import ProtocolError, SluiceError
from sluice.memory import Buffer, BufferPool
from sluice.wire.batches import PREFIX_BYTES, bytes_position, decode_handles
from sluice.wire.frames import HEADER, MAX_DESCRIPTORS, Kind

_RECEIVE_BYTES = 1 << 16
# Plain numbers: arithmetic on the library's flags takes as long as the system call.
_CLOSE_ON_EXEC, _TRUNCATED = int(socket.MSG_CMSG_CLOEXEC), int(socket.MSG_CTRUNC)
_BATCH_REPLY, _DESCRIPTORS = int(Kind.BATCH_REPLY), int(Kind.DESCRIPTORS)
_ANCILLARY = socket.CMSG_SPACE(MAX_DESCRIPTORS * array.array("i").itemsize)


class FrameReader:
    """Takes frames from a blocking socket. After an error the stream has no meaning any more.

    Args:
        source: the socket.
        files: get the descriptors that frames hand over.
        longest: bytes of a payload at most.

    Attributes:
        longest: may grow once the daemon has said how long its replies are.
    """

    def __init__(self, source: socket.socket, files: OpenFiles, longest: int) -> None:
        self.longest = longest
        self._socket = source
        self._files = files
        self._descriptors: deque[int] = deque()
        self._buffer = bytearray(_RECEIVE_BYTES)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._promptness = Promptness()

    def next(self, pool: BufferPool | None, is_alone: bool) -> tuple[int, int, Buffer]:
        """The next frame; descriptors that it hands over are taken in on the way.

        Args:
            pool: where the payload's memory comes from; the samples' bytes of a batch reply are aligned to 64 bytes.
            is_alone: whether a single reply is awaited, which usually comes at once.

        Returns:
            Its kind, its request and its payload.

        Raises:
            ConnectionLostError: the connection ended.
            ProtocolError: that is no frame of the daemon's.
            SluiceError: this process may not open the files that came with it.
        """
        self._fill(HEADER.size, is_alone)
        length, kind, descriptors, request = HEADER.unpack_from(self._buffer, self._start)
        if length > self.longest:
            raise ProtocolError(f"the daemon sent a frame of {length} bytes, over its limit of {self.longest}")
        self._start += HEADER.size
        align_at = 0
        if kind == _BATCH_REPLY and length >= PREFIX_BYTES:
            self._fill(PREFIX_BYTES, is_alone)
            align_at = bytes_position(self._view[self._start : self._start + PREFIX_BYTES]) or 0
        # Fresh pages are worth avoiding only where there are many.
        pooled = pool is not None and length > _RECEIVE_BYTES
        payload = pool.take(length, align_at) if pooled and pool is not None else np.empty(length, np.uint8)
        self._read_into(payload.data)
        if kind == _DESCRIPTORS:
            self._take_descriptors(payload.data, descriptors)
        elif descriptors:
            raise ProtocolError(f"the daemon sent {descriptors} descriptors with a frame of kind {kind:#x}")
        return kind, request, payload

    def close(self) -> None:
        """Closes descriptors of which no frame told."""
        while self._descriptors:
            os.close(self._descriptors.popleft())

    def _take_descriptors(self, payload: memoryview, count: int) -> None:
        handles = decode_handles(payload)
        if len(handles) != count or len(self._descriptors) < count:
            raise ProtocolError(
                f"the daemon sent {count} descriptors for {len(handles)} handles, of which {len(self._descriptors)} "
                "arrived"
            )
        for handle in handles:
            self._files.add(handle, self._descriptors.popleft())

    def _read_into(self, target: memoryview) -> None:
        """Fills `target` from what was received already and then from the socket, without reading further."""
        ready = min(len(target), self._end - self._start)
        target[:ready] = self._view[self._start : self._start + ready]
        self._start += ready
        while ready < len(target):
            # These bytes are inside a frame, and descriptors come with a frame's first byte: plain reads lose none.
            try:
                count = self._socket.recv_into(target[ready:])
            except TimeoutError:
                raise
            except OSError as error:
                raise ConnectionLostError.because(error) from error
            if count == 0:
                raise ConnectionLostError.because("the daemon closed it")
            ready += count

    def _fill(self, needed: int, is_alone: bool) -> None:
        """Receives until `needed` bytes are at hand; keeps the descriptors that come with them."""
        if self._start == self._end:
            self._start = self._end = 0
        elif self._start + needed > len(self._buffer):
            rest = self._end - self._start
            self._buffer[:rest] = self._buffer[self._start : self._end]
            self._start, self._end = 0, rest
        while self._end - self._start < needed:
            target = [self._view[self._end :]]
            try:
                # With several requests under way there is no hurry: the next reply is being made meanwhile.
                if is_alone:
                    count, ancillary, flags, _ = self._promptness.receive(self._socket, target, _ANCILLARY)
                else:
                    count, ancillary, flags, _ = self._socket.recvmsg_into(target, _ANCILLARY, _CLOSE_ON_EXEC)
            except TimeoutError:
                raise
            except OSError as error:
                raise ConnectionLostError.because(error) from error
            self._keep_descriptors(ancillary)
            if flags & _TRUNCATED:
                raise SluiceError(
                    "this process may not open enough files for the shards it reads; raise its limit (ulimit -n)"
                )
            if count == 0:
                raise ConnectionLostError.because("the daemon closed it")
            self._end += count

    def _keep_descriptors(self, ancillary: list[tuple[int, int, bytes]]) -> None:
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                received = array.array("i")
                received.frombytes(data[: len(data) - len(data) % received.itemsize])
                self._descriptors.extend(received)
