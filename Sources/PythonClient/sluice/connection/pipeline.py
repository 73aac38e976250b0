"""Batches asked for ahead of their use, over as many connections as it takes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sluice.connection.cancellation import Cancellation
from sluice.connection.connection import Connection
from sluice.connection.endings import ConnectionLostError, RefusedError
from sluice.connection.lane import Lane
from sluice.connection.patience import Patience
from sluice.errors import ProtocolError
from sluice.memory import Buffer, BufferPool
from sluice.wire.batches import BatchReply, Bytes, encode_batch_request
from sluice.wire.frames import Kind


@dataclass(slots=True)
class Pipeline:
    """The batches of one epoch from one worker, in order.

    Attributes:
        lane: where to ask.
        epoch: of the batches.
        worker: whose batch numbers count.
        how: how samples' bytes come.
        depth: requests under way at most.
        next: number of the batch that is received next.
        end: number after the last.
        numbers: requests under way, the oldest first.
    """

    lane: Lane
    epoch: int
    worker: int
    how: Bytes
    depth: int
    next: int
    end: int
    numbers: deque[int] = field(default_factory=deque)
    _asked: int = 0
    _opening: int = -1

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
                reply, data, offsets = connection.receive_batch(self.numbers[0], pool)
            except RefusedError as error:
                self.lane.close()
                self.lane.recover(error, patience)
            except ConnectionLostError as error:
                if not patience.is_stopped():
                    self.lane.lost(error, patience)
            else:
                if (reply.epoch, reply.first, len(reply.counts)) != (self.epoch, self.next, 1):
                    raise ProtocolError(f"the daemon sent batch {reply.first} of epoch {reply.epoch} for {self.next}")
                self.numbers.popleft()
                self.next += 1
                patience.reset()
                return reply, data, offsets
        return None

    def _ask(self, connection: Connection) -> None:
        """Sends as many requests as may be under way."""
        if self.lane.openings != self._opening:
            # What was asked for on a lost connection is asked for again.
            self.numbers.clear()
            self._opening, self._asked = self.lane.openings, self.next
        while self._asked < self.end and len(self.numbers) < min(self.depth, connection.hello.max_pipelined):
            payload = encode_batch_request(self.lane.session, self.epoch, self.worker, self._asked, 1, self.how)
            self.numbers.append(connection.send(Kind.BATCH, payload))
            self._asked += 1
