"""Ending, from another thread, work that may be waiting for the daemon."""

from __future__ import annotations

from threading import Event

from sluice.connection.connection import Connection


class Cancellation:
    """Asked for by one thread, noticed by another, which may be in the middle of receiving."""

    def __init__(self) -> None:
        self.event = Event()
        self._connection: Connection | None = None

    def watch(self, connection: Connection) -> None:
        """The connection on which the work is now waiting."""
        self._connection = connection
        if self.event.is_set():
            connection.interrupt()

    def cancel(self) -> None:
        """Ends the work; returns at once."""
        self.event.set()
        connection = self._connection
        if connection is not None:
            connection.interrupt()
