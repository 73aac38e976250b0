"""How many batches a request is for.

A request costs both ends some ten µs whatever it is for. Where small batches follow one another within a few ms,
several share one. Otherwise each is asked for by itself: where the daemon waits for shards it comes as soon as it can,
and where the training takes its time the daemon sees how far it is.
"""

from __future__ import annotations

_MOST = 8
_BYTES = 8 << 20
_INLINE_BYTES = 1 << 20
"""Of a request's batches together. Batches that come inline share memory: one that is kept keeps all."""

_FAST = 0.002
_SLOW = 0.02
"""Seconds a batch."""


class Grouping:
    """How many batches the next request is for, by the pace of the last ones.

    Args:
        batch_bytes: expected of one batch.
        depth: requests under way at most, as the caller wants it; with 1 there is no grouping, for the caller wants
            nothing ahead.
        most: that the daemon wants in one request.
    """

    def __init__(self, batch_bytes: int, depth: int, most: int) -> None:
        self.size = 1
        self._batch_bytes = max(1, batch_bytes)
        self._depth = depth
        self._most = min(_MOST, most) if depth > 1 else 1
        self._last: tuple[float, int] | None = None

    @property
    def depth(self) -> int:
        """Requests under way at most: enough for the batches wanted ahead, and two, so that the daemon is not idle."""
        return max(min(self._depth, 2), -(-self._depth // self.size))

    def came(self, now: float, batches: int, inline: bool) -> None:
        """A reply came.

        Args:
            now: by any clock that only goes forward, in seconds.
            batches: in the reply.
            inline: whether it brought the samples' bytes.
        """
        last, self._last = self._last, (now, batches)
        if last is None:
            return
        pace = (now - last[0]) / last[1]
        if pace < _FAST:
            fitting = (_INLINE_BYTES if inline else _BYTES) // self._batch_bytes
            self.size = max(1, min(self.size * 2, self._most, fitting))
        elif pace > _SLOW:
            self.size = 1

    def end(self) -> None:
        """From now on each request is for one batch."""
        self.size = self._most = 1
