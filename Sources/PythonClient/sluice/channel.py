"""A bounded hand-over from one thread to another, which either side can end."""

from __future__ import annotations

import os
from collections import deque
from threading import Condition
from typing import Generic, TypeVar

from sluice.errors import ForkedError

T = TypeVar("T")

FORKED = "a loader's iteration belongs to the process that began it; begin another one in the fork"


class Channel(Generic[T]):
    """Items in order; a failure of the producer is raised by the consumer after the items before it.

    Args:
        capacity: items waiting at most.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._changed = Condition()
        self._ended = False
        self._failure: BaseException | None = None
        self._process = os.getpid()

    def put(self, item: T) -> bool:
        """Hands over an item; waits while there are as many as fit.

        Returns:
            False if nobody wants it any more.
        """
        with self._changed:
            while len(self._items) >= self._capacity and not self._ended:
                self._changed.wait()
            if self._ended:
                return False
            self._items.append(item)
            self._changed.notify_all()
            return True

    def end(self, failure: BaseException | None = None) -> None:
        """No item comes after those that are waiting; or, from the consumer, none is wanted."""
        with self._changed:
            self._ended = True
            self._failure = self._failure or failure
            self._changed.notify_all()

    def get(self) -> T:
        """The next item; waits for it.

        Raises:
            StopIteration: there is none.
            BaseException: the producer's failure.
            ForkedError: the producer is in another process.
        """
        if self._process != os.getpid():
            raise ForkedError(FORKED)
        with self._changed:
            while not self._items and not self._ended:
                self._changed.wait()
            if self._items:
                item = self._items.popleft()
                self._changed.notify_all()
                return item
            failure, self._failure = self._failure, None
        if failure is not None:
            raise failure
        raise StopIteration
