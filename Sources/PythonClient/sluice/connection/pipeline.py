"""Batches asked for ahead of their use, over as many connections as it takes."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sluice.connection.cancellation import Cancellation
from sluice.connection.connection import Connection
from sluice.connection.endings import ConnectionLostError, RefusedError
from sluice.connection.grouping import Grouping
from sluice.connection.lane import Lane
from sluice.connection.patience import Patience
from sluice.errors import ProtocolError
from sluice.memory import Buffer, BufferPool
from sluice.wire.batches import BatchReply, Bytes, encode_batch_request
from sluice.wire.frames import Kind


class _Request(NamedTuple):
    """A request under way: its number, and the batches it is for."""

    number: int
    first: int
    batches: int


@dataclass(slots=True)
class Pipeline:
    """The batches of one epoch from one worker, in order.

    Attributes:
        lane: where to ask.
        epoch: of the batches.
        worker: whose batch numbers count.
        how: how samples' bytes come.
        grouping: how many batches a request is for.
        next: number of the batch that is received next.
        end: number after the last.
        threads: that read one batch, where that is faster.
    """

    lane: Lane
    epoch: int
    worker: int
    how: Bytes
    grouping: Grouping
    next: int
    end: int
    threads: int = 1
    _requests: deque[_Request] = field(default_factory=deque)
    _here: deque[BatchReply] = field(default_factory=deque)
    _asked: int = 0
    _opening: int = -1

    @property
    def is_under_way(self) -> bool:
        """Whether replies are still to come, or one of them was not read to its end."""
        return bool(self._requests or self._here)

    @property
    def has_more_at_hand(self) -> bool:
        """Whether the batch after the one just received has come with it."""
        return bool(self._here)

    def receive(
        self, pool: BufferPool, patience: Patience, cancellation: Cancellation | None
    ) -> tuple[BatchReply, Buffer, NDArray[np.int64]] | None:
        """The next batch; None after the last, or when cancelled.

        Args:
            pool: memory for its bytes.
            patience: how long the daemon may be away.
            cancellation: with which another thread can end the wait.

        Raises:
            DaemonError: the batch cannot be had.
            DaemonUnavailableError: the daemon was away for too long.
        """
        while self.next < self.end and not patience.is_stopped():
            try:
                connection = self.lane.ready(patience)
                if cancellation is not None:
                    cancellation.watch(connection)
                self._ask(connection)
                if not self._here:
                    self._receive(connection, pool)
                batch = connection.read(self._here[0], pool, self.threads)
            except RefusedError as error:
                self.lane.close()
                if self._requests and self._requests[0].batches > 1:
                    # What several batches together are refused for, each by itself may be granted.
                    self.grouping.end()
                else:
                    self.lane.recover(error, patience)
            except ConnectionLostError as error:
                if not patience.is_stopped():
                    self.lane.lost(error, patience)
            else:
                self._here.popleft()
                self.next += 1
                patience.reset()
                return batch
        return None

    def _ask(self, connection: Connection) -> None:
        """Sends as many requests as may be under way."""
        if self.lane.openings != self._opening:
            # What was asked for on a lost connection is asked for again.
            self._requests.clear()
            self._here.clear()
            self._opening, self._asked = self.lane.openings, self.next
        most = min(self.grouping.depth, connection.hello.max_pipelined)
        while self._asked < self.end and len(self._requests) < most:
            first, count = self._asked, min(self.grouping.size, self.end - self._asked)
            payload = encode_batch_request(self.lane.session, self.epoch, self.worker, first, count, self.how)
            self._requests.append(_Request(connection.send(Kind.BATCH, payload), first, count))
            self._asked += count

    def _receive(self, connection: Connection, pool: BufferPool) -> None:
        """Takes in the reply to the oldest request."""
        request = self._requests[0]
        reply = connection.receive_reply(request.number, pool)
        self.grouping.came(time.perf_counter(), request.batches, inline=reply.data is not None)
        if (reply.epoch, reply.first, len(reply.counts)) != (self.epoch, request.first, request.batches):
            raise ProtocolError(
                f"the daemon sent {len(reply.counts)} batches from {reply.first} of epoch {reply.epoch} for "
                f"{request.batches} from {request.first}"
            )
        self._requests.popleft()
        self._here.extend(reply.parts())
