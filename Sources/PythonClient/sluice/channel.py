"""A bounded hand-over from one thread to another, which either side can end."""

from __future__ import annotations

import os
from queue import SimpleQueue
from typing import Generic, TypeVar

from sluice.errors import ForkedError

T = TypeVar("T")

FORKED = "a loader's iteration belongs to the process that began it; begin another one in the fork"


class Channel(Generic[T]):
    """Items in order; a failure of the producer is raised by the consumer after the items before it.

    One thread puts, one gets, any may end it. Items and room each go through a queue that the interpreter implements
    itself: a hand-over is a fraction of what a condition variable takes, and ending it from a finaliser is safe.

    Args:
        capacity: items waiting at most.
    """

    def __init__(self, capacity: int) -> None:
        self._items: SimpleQueue[tuple[T] | None] = SimpleQueue()
        self._room: SimpleQueue[None] = SimpleQueue()
        for _ in range(capacity):
            self._room.put(None)
        self._ended = False
        self._failure: BaseException | None = None
        self._process = os.getpid()

    def put(self, item: T) -> bool:
        """Hands over an item; waits while there are as many as fit.

        Returns:
            False if nobody wants it any more.
        """
        if not self._ended:
            self._room.get()
        if self._ended:
            return False
        self._items.put((item,))
        return True

    def end(self, failure: BaseException | None = None) -> None:
        """No item comes after those that are waiting; or, from the consumer, none is wanted."""
        if self._failure is None:
            self._failure = failure
        self._ended = True
        self._room.put(None)
        self._items.put(None)

    def get(self) -> T:
        """The next item; waits for it.

        Raises:
            StopIteration: there is none.
            BaseException: the producer's failure.
            ForkedError: the producer is in another process.
        """
        if self._process != os.getpid():
            raise ForkedError(FORKED)
        item = self._items.get()
        if item is not None:
            self._room.put(None)
            return item[0]
        self._items.put(None)
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        raise StopIteration
