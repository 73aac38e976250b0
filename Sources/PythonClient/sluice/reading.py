"""An epoch being read for a loader: by a thread ahead of the loop, or by the loop's own thread."""

from __future__ import annotations

import atexit
import contextlib
import os
from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from threading import Thread, current_thread
from typing import Any, TypeAlias

from sluice.batch import Batch
from sluice.channel import FORKED, Channel
from sluice.connection.cancellation import Cancellation
from sluice.errors import ForkedError
from sluice.memory import BufferPool
from sluice.session import Session

_PATIENCE_AT_EXIT = 5.0

Prepared: TypeAlias = tuple[int, Any]
"""Samples of a batch, and what the loop gets of it."""


@dataclass(frozen=True, slots=True)
class EpochSource:
    """What to read, and what to make of it.

    Attributes:
        session: to read from.
        epoch: to read.
        depth: requests under way at the daemon.
        threads: that read one large batch.
        pool: memory for the batches.
        least: samples of a batch that is wanted at all.
        prepare: what the loop gets of a batch.
    """

    session: Session
    epoch: int
    depth: int
    threads: int
    pool: BufferPool
    least: int
    prepare: Callable[[Batch], Any]

    def batches(self, cancellation: Cancellation) -> Generator[Batch, None, None]:
        """The epoch's batches as the daemon has them."""
        return self.session.batches(
            self.epoch, depth=self.depth, pool=self.pool, cancellation=cancellation, threads=self.threads
        )


class DirectReading:
    """Read by the loop's own thread; the daemon still prepares several batches ahead.

    Args:
        source: of the batches.
    """

    def __init__(self, source: EpochSource) -> None:
        self._source = source
        self._cancellation = Cancellation()
        self._batches = source.batches(self._cancellation)
        self._process = os.getpid()

    def __iter__(self) -> DirectReading:
        return self

    def __next__(self) -> Prepared:
        if self._process != os.getpid():
            raise ForkedError(FORKED)
        for batch in self._batches:
            if len(batch) >= self._source.least:
                return len(batch), self._source.prepare(batch)
        raise StopIteration

    def close(self) -> None:
        """Ends the reading, also when another thread is in it."""
        if self._process != os.getpid():
            return
        self._cancellation.cancel()
        # A generator that is running cannot be closed; what it waits for has ended, so it ends by itself.
        with contextlib.suppress(ValueError):
            self._batches.close()


class ThreadedReading:
    """Read by a thread, which knows nothing of this object: dropping it ends the thread.

    Batches that come with one reply are handed over together: to wake the loop for each costs a third of what reading a
    small one does.

    Args:
        source: of the batches.
        ahead: hand-overs that wait for the loop at most.
    """

    def __init__(self, source: EpochSource, ahead: int) -> None:
        self._channel: Channel[list[Prepared]] = Channel(ahead)
        self._ready: deque[Prepared] = deque()
        self._process = os.getpid()
        self._cancellation = Cancellation()
        self._thread = Thread(
            target=_read,
            args=(source, self._channel, self._cancellation),
            name=f"sluice-epoch-{source.epoch}",
            daemon=True,
        )
        _under_way[self._thread] = (self._channel, self._cancellation)
        try:
            self._thread.start()
        except BaseException:
            del _under_way[self._thread]
            raise

    def __iter__(self) -> ThreadedReading:
        return self

    def __next__(self) -> Prepared:
        if self._process != os.getpid():
            raise ForkedError(FORKED)
        if not self._ready:
            self._ready.extend(self._channel.get())
        return self._ready.popleft()

    def close(self) -> None:
        """Ends the reading; returns at once."""
        _end(self._channel, self._cancellation)

    def __del__(self) -> None:
        self.close()


def _read(source: EpochSource, channel: Channel[list[Prepared]], cancellation: Cancellation) -> None:
    failure = None
    ready: list[Prepared] = []
    try:
        batches = source.batches(cancellation)
        for batch in batches:
            if len(batch) >= source.least:
                ready.append((len(batch), source.prepare(batch)))
            if ready and not batch.more_at_hand:
                if not channel.put(ready):
                    break
                ready = []
        batches.close()
    except BaseException as error:
        failure = error
    if ready:
        channel.put(ready)
    channel.end(failure)
    _under_way.pop(current_thread(), None)


def _end(channel: Channel[list[Prepared]], cancellation: Cancellation) -> None:
    channel.end()
    cancellation.cancel()


_under_way: dict[Thread, tuple[Channel[list[Prepared]], Cancellation]] = {}


def _end_all() -> None:
    """A thread that the ending interpreter finds inside PyTorch aborts the process instead of ending with it."""
    left = list(_under_way.items())
    for _, reading in left:
        _end(*reading)
    for thread, _ in left:
        thread.join(_PATIENCE_AT_EXIT)


atexit.register(_end_all)
os.register_at_fork(after_in_child=_under_way.clear)
