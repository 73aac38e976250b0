"""One connection: a blocking Unix socket, frames in both directions, and the descriptors that come along.

A connection belongs to the process that made it and is used by one thread at a time. A fork closes the child's copies
of its socket and files at once, so that neither the daemon's session nor an evicted shard outlives the process that
used it.
"""

from __future__ import annotations

import array
import contextlib
import os
import socket
import weakref
from collections import deque

import numpy as np
from numpy.typing import NDArray

from sluice._version import __version__
from sluice.connection.endings import ConnectionLostError, RefusedError
from sluice.connection.files import OpenFiles
from sluice.connection.promptness import Promptness
from sluice.errors import ProtocolError, SluiceError
from sluice.memory import Buffer, BufferPool
from sluice.wire.batches import PREFIX_BYTES, BatchReply, bytes_position
from sluice.wire.codec import Reader, Writer
from sluice.wire.frames import HEADER, MAX_DESCRIPTORS, REPLY_OF, Kind, encode_frame
from sluice.wire.messages import ErrorReply, HelloReply, encode_hello

CLIENT_NAME = f"sluice-python/{__version__}"
_RECEIVE_BYTES = 1 << 16
_HELLO_SECONDS = 30.0
_MAX_HELLO_BYTES = 1 << 16
# Plain numbers: arithmetic on the library's flags takes as long as the system call.
_CLOSE_ON_EXEC, _TRUNCATED = int(socket.MSG_CMSG_CLOEXEC), int(socket.MSG_CTRUNC)
_ERROR, _BATCH_REPLY, _DESCRIPTORS, _PROGRESS = map(
    int, (Kind.ERROR, Kind.BATCH_REPLY, Kind.DESCRIPTORS, Kind.PROGRESS)
)
_ANCILLARY = socket.CMSG_SPACE(MAX_DESCRIPTORS * array.array("i").itemsize)


class Connection:
    """A connection after its hello.

    Args:
        path: of the daemon's socket.

    Attributes:
        hello: what the daemon said of itself.
        process: the process it belongs to.
        closed: whether it can still be used.

    Raises:
        OSError: nobody listens there, or not for this user.
        ConnectionLostError: the daemon hung up at once.
        RefusedError: the daemon does not want to talk (yet).
        ProtocolError: it is not a daemon of ours.
    """

    def __init__(self, path: str) -> None:
        self.process = os.getpid()
        self.closed = False
        self.files = OpenFiles()
        self._descriptors: deque[int] = deque()
        self._buffer = bytearray(_RECEIVE_BYTES)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self._number = 0
        self._awaited: deque[tuple[int, int]] = deque()
        self._promptness = Promptness()
        self._longest = _MAX_HELLO_BYTES
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        _LIVE[id(self)] = weakref.ref(self)
        try:
            self._socket.settimeout(_HELLO_SECONDS)
            self._socket.connect(path)
            payload = self.receive(self.send(Kind.HELLO, encode_hello(self.process, CLIENT_NAME)))
            self._socket.settimeout(None)
        except TimeoutError as error:
            self.close()
            raise ConnectionLostError(f"no answer to hello within {_HELLO_SECONDS:g} s") from error
        except BaseException:
            self.close()
            raise
        self.hello = HelloReply.decode(payload.data)
        self._longest = self.hello.max_reply_bytes

    def send(self, kind: int, payload: bytes | bytearray = b"") -> int:
        """Sends a request.

        Returns:
            Its number, for `receive`. Replies come in the order of their requests.
        """
        self._number += 1
        self._write(encode_frame(kind, self._number, payload))
        self._awaited.append((self._number, kind))
        return self._number

    def receive(self, number: int, pool: BufferPool | None = None) -> Buffer:
        """The payload of the reply to the oldest request that has none yet.

        Args:
            number: of that request.
            pool: where the payload's memory comes from; the samples' bytes of a batch reply are aligned to 64 bytes.

        Raises:
            RefusedError: the daemon answered with an error.
            ConnectionLostError: the connection ended.
            ProtocolError: the daemon answered something else.
        """
        awaited, request_kind = self._awaited[0]
        if awaited != number:
            raise ProtocolError(f"reply {number} was asked for while {awaited} is next")
        while True:
            kind, request, payload = self._read_frame(pool)
            if kind == _ERROR:
                if request == number:
                    self._awaited.popleft()
                elif request != 0:
                    self._broken(f"an error for request {request} while {number} is next")
                raise RefusedError(ErrorReply.decode(payload.data))
            if request != number:
                self._broken(f"a reply to request {request} while {number} is next")
            if kind == REPLY_OF[request_kind]:
                self._awaited.popleft()
                return payload
            if kind not in (_PROGRESS, _DESCRIPTORS):
                self._broken(f"a frame of kind {kind:#x} for a request of kind {request_kind}")

    def receive_batch(self, number: int, pool: BufferPool) -> tuple[BatchReply, Buffer, NDArray[np.int64]]:
        """The reply to a batch or sample request, its samples' bytes read.

        Args:
            number: of the request, the oldest without a reply.
            pool: where the bytes' memory comes from.

        Returns:
            The table, the bytes of all its samples end to end, and their n + 1 offsets (i64). The bytes are empty if
            they were not asked for.
        """
        reply = BatchReply.decode(self.receive(number, pool))
        if reply.data is not None and reply.offsets is not None:
            return reply, reply.data, reply.offsets
        offsets = np.zeros(len(reply.ids) + 1, np.int64)
        if reply.handles is None or reply.offsets is None or reply.lengths is None:
            return reply, np.empty(0, np.uint8), offsets
        np.cumsum(reply.lengths, out=offsets[1:])
        data = pool.take(int(offsets[-1]))
        self.files.read(reply.handles, reply.offsets, reply.lengths, data)
        if reply.drops:
            self.files.drop(reply.drops)
            self._write(encode_frame(Kind.DROPPED, 0, Writer().u32_list(reply.drops).payload))
        return reply, data, offsets

    def interrupt(self) -> None:
        """Makes whoever is receiving, in whatever thread, find the connection lost."""
        if not self.closed and self.process == os.getpid():
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Ends the connection, its sessions with it."""
        self.interrupt()
        self.release()

    def release(self) -> None:
        """Closes this process's copies without a word to the daemon; another process may still use its own."""
        self.closed = True
        _LIVE.pop(id(self), None)
        self._socket.close()
        self.files.close()
        while self._descriptors:
            os.close(self._descriptors.popleft())

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    def _write(self, frame: bytes) -> None:
        try:
            self._socket.sendall(frame)
        except TimeoutError:
            raise
        except OSError as error:
            self._read_farewell()
            raise self._lost(error) from error

    def _read_farewell(self) -> None:
        """A daemon that turns a client away says why before it closes; the reason may have come already.

        Raises:
            RefusedError: it has.
        """
        try:
            self._socket.settimeout(_HELLO_SECONDS)
            while True:
                kind, request, payload = self._read_frame(None)
                if kind == Kind.ERROR and request == 0:
                    raise RefusedError(ErrorReply.decode(payload.data))
        except (ConnectionLostError, ProtocolError, TimeoutError):
            return
        finally:
            self.close()

    def _lost(self, cause: object) -> ConnectionLostError:
        self.close()
        return ConnectionLostError(f"the connection to the daemon was lost: {cause}")

    def _broken(self, what: str) -> None:
        self.close()
        raise ProtocolError(f"the daemon sent {what}")

    def _read_frame(self, pool: BufferPool | None) -> tuple[int, int, Buffer]:
        """The next frame; descriptors that it hands over are taken in on the way."""
        self._fill(HEADER.size)
        length, kind, descriptors, request = HEADER.unpack_from(self._buffer, self._start)
        if length > self._longest:
            self._broken(f"a frame of {length} bytes, over its limit of {self._longest}")
        self._start += HEADER.size
        align_at = 0
        if kind == _BATCH_REPLY and length >= PREFIX_BYTES:
            self._fill(PREFIX_BYTES)
            align_at = bytes_position(self._view[self._start : self._start + PREFIX_BYTES]) or 0
        # Fresh pages are worth avoiding only where there are many.
        pooled = pool is not None and length > _RECEIVE_BYTES
        payload = pool.take(length, align_at) if pooled and pool is not None else np.empty(length, np.uint8)
        self._read_into(payload.data)
        if kind == _DESCRIPTORS:
            self._take_descriptors(payload.data, descriptors)
        elif descriptors:
            self._broken(f"{descriptors} descriptors with a frame of kind {kind:#x}")
        return kind, request, payload

    def _take_descriptors(self, payload: memoryview, count: int) -> None:
        reader = Reader(payload)
        handles = reader.u32_list()
        reader.finish()
        if len(handles) != count or len(self._descriptors) < count:
            self._broken(f"{count} descriptors for {len(handles)} handles, of which {len(self._descriptors)} arrived")
        for handle in handles:
            self.files.add(handle, self._descriptors.popleft())

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
                raise self._lost(error) from error
            if count == 0:
                raise self._lost("the daemon closed it")
            ready += count

    def _fill(self, needed: int) -> None:
        """Receives until `needed` bytes are at hand; keeps the descriptors that come with them."""
        if self._start == self._end:
            self._start = self._end = 0
        elif self._start + needed > len(self._buffer):
            rest = self._end - self._start
            self._buffer[:rest] = self._buffer[self._start : self._end]
            self._start, self._end = 0, rest
        while self._end - self._start < needed:
            try:
                # With several requests under way there is no hurry: the next reply is being made meanwhile.
                if len(self._awaited) == 1:
                    count, ancillary, flags, _ = self._promptness.receive(
                        self._socket, [self._view[self._end :]], _ANCILLARY
                    )
                else:
                    count, ancillary, flags, _ = self._socket.recvmsg_into(
                        [self._view[self._end :]], _ANCILLARY, _CLOSE_ON_EXEC
                    )
            except TimeoutError:
                raise
            except OSError as error:
                raise self._lost(error) from error
            for level, kind, data in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    received = array.array("i")
                    received.frombytes(data[: len(data) - len(data) % received.itemsize])
                    self._descriptors.extend(received)
            if flags & _TRUNCATED:
                self.close()
                raise SluiceError(
                    "this process may not open enough files for the shards it reads; raise its limit (ulimit -n)"
                )
            if count == 0:
                raise self._lost("the daemon closed it")
            self._end += count


_LIVE: dict[int, weakref.ref[Connection]] = {}


def _forget_in_child() -> None:
    for reference in list(_LIVE.values()):
        connection = reference()
        if connection is not None:
            connection.release()


os.register_at_fork(after_in_child=_forget_in_child)
