"""A dataset opened for one rank: its epochs, batches and samples."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Sequence
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from sluice.batch import Batch, Schemas
from sluice.connection.address import Address
from sluice.connection.cancellation import Cancellation
from sluice.connection.connection import Connection
from sluice.connection.grouping import Grouping
from sluice.connection.lane import Lane
from sluice.connection.patience import Patience
from sluice.connection.pipeline import Pipeline
from sluice.decoding import Schema
from sluice.errors import NoSuchSampleError
from sluice.memory import Buffer, BufferPool
from sluice.notices import SaidOnce
from sluice.wire.batches import (
    ALL_WORKERS,
    BatchReply,
    Bytes,
    encode_sample_request,
)
from sluice.wire.codec import Writer
from sluice.wire.frames import Kind
from sluice.wire.messages import EpochReply, OpenReply, OpenRequest, StateReply, decode_schemas
from sluice.world import data_worker

log = logging.getLogger("sluice")

T = TypeVar("T")

_SAMPLE = int(Kind.SAMPLE)

DEFAULT_DEPTH = 4

#: The daemon's warnings that this process has logged: a program opens a session for every epoch, or many at once.
_SAID = SaidOnce()


class Session:
    """A dataset opened for one rank.

    Reconnects and reopens by itself when the connection is lost, and goes on where it was: a caller notices nothing but
    the time, unless the daemon stays away for longer than the address's wait. May be used by several threads; each
    takes a connection of its own. After a fork the child makes connections of its own, too.

    Args:
        address: of the daemon.
        request: what to open.
        allow_unsafe_types: whether pickled columns may be decoded.
        how: how samples' bytes come; the daemon knows best.

    Raises:
        DaemonUnavailableError: no daemon answered.
        DaemonError: it does not open such a session.
        UnsafeTypeError: a column is pickled and that is not allowed.
    """

    def __init__(
        self,
        address: Address,
        request: OpenRequest,
        *,
        allow_unsafe_types: bool = False,
        how: Bytes = Bytes.DAEMON_CHOOSES,
    ) -> None:
        self.address = address
        self.request = request
        self.how = how
        self._idle: deque[Lane] = deque()
        self._epochs: dict[int, EpochReply] = {}
        self._pool = BufferPool()
        lane = Lane(address, request)
        try:
            schemas = lane.call(_read_schemas)
            if lane.info is None:
                raise AssertionError("a lane in use has opened its session")
            self.info: OpenReply = lane.info
            self.decoders = Schemas(schemas, allow_unsafe_types)
        except BaseException:
            lane.close()
            raise
        self._idle.append(lane)
        self._warn("", self.info.warnings)

    def __len__(self) -> int:
        """Distinct samples of the dataset."""
        return self.info.size

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        del state["_idle"], state["_pool"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._idle = deque()
        self._pool = BufferPool()

    def epoch(self, number: int) -> EpochReply:
        """Plans an epoch, or finds its plan.

        Args:
            number: of the epoch, from 0.

        Raises:
            DaemonError: these options give no plan.
        """
        reply = self._epochs.get(number)
        if reply is None:
            reply = self._call(lambda connection, session: _read_epoch(connection, session, number))
            self._warn(f", epoch {number}", reply.warnings)
            self._epochs = {number: reply}
        return reply

    def batches(
        self,
        epoch: int = 0,
        *,
        first: int = 0,
        worker: int | None = None,
        depth: int = DEFAULT_DEPTH,
        how: Bytes | None = None,
        pool: BufferPool | None = None,
        cancellation: Cancellation | None = None,
        threads: int = 1,
    ) -> Generator[Batch, None, None]:
        """The batches of an epoch, in the plan's order; several are asked for ahead.

        Args:
            epoch: its number.
            first: number of the first batch.
            worker: count that worker's batches only; None for the rank's, in the order in which a loader yields them.
            depth: requests under way; small batches that follow one another fast share one.
            how: how samples' bytes come, if not as the session has it; `Bytes.NONE` for the tables only.
            pool: memory for the bytes; a batch's is used again once nothing refers to it.
            cancellation: with which another thread can end the iteration.
            threads: that read one batch, where it is large enough for that to be faster.

        Raises:
            DaemonError: the plan or a shard cannot be had.
        """
        plan = self.epoch(epoch)
        patience = Patience(self.address.wait, cancellation.event if cancellation is not None else None)
        pipeline = Pipeline(
            lane=self._borrow(),
            epoch=epoch,
            worker=ALL_WORKERS if worker is None else worker,
            how=self.how if how is None else how,
            grouping=Grouping(self.info.mean_sample_bytes * self.info.batch_size, depth, plan.together),
            next=first,
            end=plan.batches if worker is None else plan.batches_per_worker,
            threads=threads,
        )
        try:
            while (reply := pipeline.receive(pool or self._pool, patience, cancellation)) is not None:
                batch = self._batch(*reply)
                batch.more_at_hand = pipeline.has_more_at_hand
                yield batch
        finally:
            # Replies that nobody will read would be in the way of the next request.
            is_whole = cancellation is None or cancellation.finish()
            if pipeline.is_under_way or not is_whole:
                pipeline.lane.close()
            else:
                self._idle.append(pipeline.lane)

    def samples(self, ids: Sequence[int] | NDArray[np.int64]) -> Batch:
        """Samples by global id, in the order given.

        Args:
            ids: each in 0 ..< size; as many as the daemon answers at once (it says if there are too many).

        Raises:
            NoSuchSampleError: one is not.
            DaemonError: a shard cannot be had.
        """
        wanted = ids if isinstance(ids, list) else [int(sample) for sample in ids]
        if wanted and not (min(wanted) >= 0 and max(wanted) < self.info.size):
            raise NoSuchSampleError(f"sample ids of {self.info.dataset} are 0 to {self.info.size - 1}")
        how, pool = self.how, self._pool

        def ask(connection: Connection, session: int) -> tuple[BatchReply, Buffer, NDArray[np.int64]]:
            return connection.receive_batch(connection.send(_SAMPLE, encode_sample_request(session, wanted, how)), pool)

        return self._batch(*self._call(ask))

    def state(self, epoch: int, samples: int) -> StateReply:
        """A checkpoint.

        Args:
            epoch: the epoch under way.
            samples: that this rank received of it since it began or was resumed.
        """
        return self._call(
            lambda connection, session: StateReply.decode(
                connection.receive(connection.send(Kind.STATE, Writer().u32(session).i64(epoch, samples).payload)).data
            )
        )

    def rest(self) -> None:
        """Gives up the connections that are not in use; the next use makes new ones."""
        while self._idle:
            self._idle.pop().close()

    close = rest

    def _warn(self, where: str, warnings: Sequence[str]) -> None:
        """Passes the daemon's warnings on, each once; of a rank's DataLoader workers the first one does."""
        worker = data_worker()
        info = self.info
        for warning in warnings if worker is None or worker[0] == 0 else ():
            if _SAID.is_news((self.address.path, info.dataset, info.fingerprint, warning)):
                log.warning("%s%s: %s", info.dataset, where, warning)

    def _call(self, action: Callable[[Connection, int], T]) -> T:
        lane = self._borrow()
        try:
            result = lane.call(action)
        except BaseException:
            lane.close()
            raise
        self._idle.append(lane)
        return result

    def _borrow(self) -> Lane:
        # A deque's ends are safe between threads, and unlike a lock it cannot be held across a fork.
        try:
            return self._idle.pop()
        except IndexError:
            return Lane(self.address, self.request, self.info)

    def _batch(self, reply: BatchReply, data: Buffer, offsets: NDArray[np.int64]) -> Batch:
        return Batch(
            reply.epoch, reply.first, reply.ids, reply.streams, reply.shards, reply.indices, reply.schemas, data,
            offsets, self.decoders,
        )  # fmt: skip


def _read_schemas(connection: Connection, session: int) -> list[Schema]:
    return decode_schemas(connection.receive(connection.send(Kind.SCHEMA, Writer().u32(session).payload)).data)


def _read_epoch(connection: Connection, session: int, number: int) -> EpochReply:
    payload = Writer().u32(session).i64(number).payload
    return EpochReply.decode(connection.receive(connection.send(Kind.EPOCH, payload)).data)
