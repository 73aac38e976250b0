"""How many batches a request is for.

A request costs both ends some ten µs whatever it is for. Where the daemon answers at once, several small batches share
one; where it has to wait for shards, each batch is asked for by itself, so that it comes as soon as it can.
"""

from __future__ import annotations

_MOST = 8
_BYTES = 8 << 20
_INLINE_BYTES = 1 << 20
"""Of a request's batches together. Batches that come inline share memory: one that is kept keeps all."""

_AT_ONCE = 0.001
_WAITED = 0.02


class Grouping:
    """How many batches the next request is for, by how soon the last replies came.

    Args:
        batch_bytes: expected of one batch.
        depth: requests under way at most, as the caller wants it; with 1 there is no grouping, for the caller wants
            nothing ahead.
    """

    def __init__(self, batch_bytes: int, depth: int) -> None:
        self.size = 1
        self._depth = depth
        self._batch_bytes = max(1, batch_bytes)
        self._most = _MOST if depth > 1 else 1

    @property
    def depth(self) -> int:
        """Requests under way at most: enough for the batches wanted ahead, and two, so that the daemon is not idle."""
        return max(min(self._depth, 2), -(-self._depth // self.size))

    def came(self, waited: float, inline: bool) -> None:
        """A reply came.

        Args:
            waited: seconds that the client did nothing else for it.
            inline: whether it brought the samples' bytes.
        """
        if waited < _AT_ONCE:
            fitting = (_INLINE_BYTES if inline else _BYTES) // self._batch_bytes
            self.size = max(1, min(self.size * 2, self._most, fitting))
        elif waited > _WAITED:
            self.size = 1

    def end(self) -> None:
        """From now on each request is for one batch."""
        self.size = self._most = 1
