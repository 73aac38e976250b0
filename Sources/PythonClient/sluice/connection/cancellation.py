"""Ending, from another thread, work that may be waiting for the daemon."""

from __future__ import annotations

from threading import Event, Lock

from sluice.connection.connection import Connection


class Cancellation:
    """Asked for by one thread, noticed by another, which may be in the middle of receiving."""

    def __init__(self) -> None:
        self.event = Event()
        self._connection: Connection | None = None
        self._lock = Lock()

    def watch(self, connection: Connection) -> None:
        """The connection on which the work is now waiting."""
        with self._lock:
            self._connection = connection
            if self.event.is_set():
                connection.interrupt()

    def finish(self) -> bool:
        """The work is over, and its connection somebody else's from here on.

        Returns:
            Whether the connection is as it was; False if the work was cancelled before.
        """
        with self._lock:
            self._connection = None
            return not self.event.is_set()

    def cancel(self) -> None:
        """Ends the work; returns at once."""
        with self._lock:
            self.event.set()
            if self._connection is not None:
                self._connection.interrupt()
