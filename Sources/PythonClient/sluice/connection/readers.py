"""Reading one batch by several threads: one core copies out of the page cache at a third of what memory can do."""

from __future__ import annotations

import os
from collections import deque
from queue import SimpleQueue
from threading import Thread
from typing import NamedTuple, TypeAlias

from sluice.errors import ShardError

_LARGE_BATCH = 2 << 20
_LARGE_PIECE = 64 << 10
"""From here on a second thread pays; with small pieces the interpreter's lock goes to and fro more than it saves."""

_PIECE = 1 << 20

Piece: TypeAlias = tuple[int, int, int, int]
"""Descriptor, position in the file, position in the target, bytes. Plain, for a batch may have thousands."""


class Readers:
    """Threads that help the calling one to read a large batch. They end with `close`.

    Args:
        helpers: threads beside the caller.
    """

    def __init__(self, helpers: int) -> None:
        self.helpers = helpers
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        for _ in range(helpers):
            Thread(target=_help, args=(self._jobs,), name="sluice-reader", daemon=True).start()

    def read(self, pieces: list[Piece], target: memoryview) -> None:
        """Reads all pieces. Returns when no thread is at it any more; after an error one may still be.

        Raises:
            ShardError: a file ends inside a piece.
            OSError: a piece cannot be read.
        """
        work: deque[Piece] = deque()
        for descriptor, begin, at, size in pieces:
            # Neighbours may have made one long piece, which nobody could share in.
            for done in range(0, size, _PIECE):
                work.append((descriptor, begin + done, at + done, min(_PIECE, size - done)))
        # A queue of this batch's own: if the caller is interrupted, nobody waits for the wrong answer later.
        job = _Job(work, target, SimpleQueue())
        for _ in range(self.helpers):
            self._jobs.put(job)
        try:
            _read_until_none_is_left(job)
            failures = [job.answers.get() for _ in range(self.helpers)]
        except BaseException:
            # Nobody begins another piece. A helper that is in the middle of one keeps the target's memory until then.
            work.clear()
            raise
        for failure in failures:
            if failure is not None:
                raise failure

    def close(self) -> None:
        """Ends the threads."""
        for _ in range(self.helpers):
            self._jobs.put(None)


class _Job(NamedTuple):
    """A batch; whoever is free takes the next piece, so that a thread that is not scheduled holds nobody up."""

    work: deque[Piece]
    target: memoryview
    answers: SimpleQueue[BaseException | None]


def is_large(pieces: list[Piece], size: int) -> bool:
    """Whether reading so many bytes in these pieces gains from several threads."""
    return size >= _LARGE_BATCH and size >= _LARGE_PIECE * len(pieces)


def read_piece(descriptor: int, begin: int, target: memoryview) -> None:
    """Fills `target` from position `begin` of a file.

    Raises:
        ShardError: the file ends before.
        OSError: it cannot be read.
    """
    done = os.preadv(descriptor, (target,), begin)
    while done < len(target):
        count = os.preadv(descriptor, (target[done:],), begin + done)
        if count == 0:
            raise ShardError(f"a shard file ends at {begin + done}, inside a sample; the file was cut short")
        done += count


def _read_until_none_is_left(job: _Job) -> None:
    work, target = job.work, job.target
    while True:
        try:
            descriptor, begin, at, size = work.popleft()
        except IndexError:
            return
        read_piece(descriptor, begin, target[at : at + size])


def _help(jobs: SimpleQueue[_Job | None]) -> None:
    while (job := jobs.get()) is not None:
        failure = None
        try:
            _read_until_none_is_left(job)
        except BaseException as error:
            failure = error
            job.work.clear()
        answers = job.answers
        # The batch's memory is free for the next as soon as nobody refers to it.
        del job
        answers.put(failure)
