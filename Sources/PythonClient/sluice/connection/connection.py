"""One connection: a blocking Unix socket, frames in both directions, and the descriptors that come along.

A connection belongs to the process that made it and is used by one thread at a time. A fork closes the child's copies
of its socket and files at once, so that neither the daemon's session nor an evicted shard outlives the process that
used it.
"""

from __future__ import annotations

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
from sluice.connection.frame_reader import FrameReader
from sluice.errors import ProtocolError, SluiceError
from sluice.memory import Buffer, BufferPool
from sluice.wire.batches import BatchReply, decode_handles
from sluice.wire.codec import Writer
from sluice.wire.frames import REPLY_OF, Kind, encode_frame
from sluice.wire.messages import ErrorReply, HelloReply, encode_hello

CLIENT_NAME = f"sluice-python/{__version__}"
_HELLO_SECONDS = 30.0
_MAX_HELLO_BYTES = 1 << 16
_ERROR, _DESCRIPTORS, _PROGRESS, _DROP = map(int, (Kind.ERROR, Kind.DESCRIPTORS, Kind.PROGRESS, Kind.DROP))


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
        self._number = 0
        self._awaited: deque[tuple[int, int]] = deque()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        self._frames = FrameReader(self._socket, self.files, _MAX_HELLO_BYTES)
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
        self._frames.longest = self.hello.max_reply_bytes

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
            kind, request, payload = self._next_frame(pool)
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
            if kind == _DROP:
                self._drop(decode_handles(payload.data))
            elif kind not in (_PROGRESS, _DESCRIPTORS):
                self._broken(f"a frame of kind {kind:#x} for a request of kind {request_kind}")

    def receive_batch(self, number: int, pool: BufferPool) -> tuple[BatchReply, Buffer, NDArray[np.int64]]:
        """The reply to a batch or sample request, its samples' bytes read; see `receive_reply` and `read`."""
        return self.read(self.receive_reply(number, pool), pool)

    def receive_reply(self, number: int, pool: BufferPool) -> BatchReply:
        """The reply to a batch or sample request.

        Args:
            number: of the request, the oldest without a reply.
            pool: where the memory of bytes that come with it is from.
        """
        return BatchReply.decode(self.receive(number, pool))

    def read(
        self, reply: BatchReply, pool: BufferPool, threads: int = 1
    ) -> tuple[BatchReply, Buffer, NDArray[np.int64]]:
        """The bytes of a reply's samples.

        Args:
            reply: one received on this connection, or a part of it; all are read in their order, before the next is
                received.
            pool: where the bytes' memory comes from.
            threads: that read, where that is faster.

        Returns:
            The reply, the bytes of all its samples end to end, and their n + 1 offsets (i64). The bytes are empty if
            they were not asked for.
        """
        if reply.data is not None and reply.offsets is not None:
            return reply, reply.data, reply.offsets
        offsets = np.zeros(len(reply.ids) + 1, np.int64)
        if reply.handles is None or reply.offsets is None or reply.lengths is None:
            return reply, np.empty(0, np.uint8), offsets
        np.add.accumulate(reply.lengths, out=offsets[1:])
        data = pool.take(int(offsets[-1]))
        self.files.read(reply.handles, reply.offsets, reply.lengths, data, threads)
        if reply.drops:
            self._drop(reply.drops)
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
        self._frames.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    def _drop(self, handles: tuple[int, ...]) -> None:
        self.files.drop(handles)
        self._write(encode_frame(Kind.DROPPED, 0, Writer().u32_list(handles).payload))

    def _write(self, frame: bytes) -> None:
        try:
            self._socket.sendall(frame)
        except TimeoutError:
            raise
        except OSError as error:
            self._read_farewell()
            self.close()
            raise ConnectionLostError.because(error) from error

    def _read_farewell(self) -> None:
        """A daemon that turns a client away says why before it closes; the reason may have come already.

        Raises:
            RefusedError: it has.
        """
        try:
            self._socket.settimeout(_HELLO_SECONDS)
            while True:
                kind, request, payload = self._next_frame(None)
                if kind == Kind.ERROR and request == 0:
                    raise RefusedError(ErrorReply.decode(payload.data))
        except (ConnectionLostError, ProtocolError, TimeoutError):
            return
        finally:
            self.close()

    def _next_frame(self, pool: BufferPool | None) -> tuple[int, int, Buffer]:
        try:
            return self._frames.next(pool, is_alone=len(self._awaited) == 1)
        except (ConnectionLostError, SluiceError):
            self.close()
            raise

    def _broken(self, what: str) -> None:
        self.close()
        raise ProtocolError(f"the daemon sent {what}")


_LIVE: dict[int, weakref.ref[Connection]] = {}


def _forget_in_child() -> None:
    for reference in list(_LIVE.values()):
        connection = reference()
        if connection is not None:
            connection.release()


os.register_at_fork(after_in_child=_forget_in_child)
