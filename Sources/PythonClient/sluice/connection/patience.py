"""How long to go on trying, and how often."""

from __future__ import annotations

import random
import time
from threading import Event

_SHORTEST = 0.02
_LONGEST = 1.0


class Patience:
    """Back-off with a limit: pauses that double, with some randomness, until the wait is used up.

    Args:
        wait: seconds from the first failure to giving up.
        stop: set by whoever no longer wants the result.
    """

    def __init__(self, wait: float, stop: Event | None = None) -> None:
        self.wait = wait
        self._stop = stop
        self._began: float | None = None
        self._pause = _SHORTEST

    def reset(self) -> None:
        """After a success: the next failure is a first one again."""
        self._began = None
        self._pause = _SHORTEST

    @property
    def waited(self) -> float:
        """Seconds since the first failure."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    def pause(self, at_least: float = 0.0) -> bool:
        """Waits before the next attempt.

        Args:
            at_least: seconds that the daemon asked for.

        Returns:
            False if there should be no next attempt.
        """
        now = time.monotonic()
        if self._began is None:
            self._began = now
        left = self._began + self.wait - now
        if left <= 0 or self.is_stopped():
            return False
        pause = min(max(at_least, self._pause * random.uniform(0.75, 1.25)), left)  # noqa: S311
        self._pause = min(self._pause * 2, _LONGEST)
        if self._stop is None:
            # Nobody tells when a daemon comes back; the back-off itself is the wait.
            time.sleep(pause)
        else:
            self._stop.wait(pause)
        return not self.is_stopped()

    def is_stopped(self) -> bool:
        """Whether the result is no longer wanted."""
        return self._stop is not None and self._stop.is_set()
