"""`BatchLoader`: the fast way to batches, a thread instead of worker processes."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sluice.batch import Batch
from sluice.decoding import ColumnValues, Ragged
from sluice.memory import BufferPool
from sluice.notices import warn_user
from sluice.reading import DirectReading, EpochSource, ThreadedReading
from sluice.session import DEFAULT_DEPTH

if TYPE_CHECKING:
    from sluice.dataset import StreamingDataset

Collate = Callable[[list[dict[str, Any]]], Any]


class BatchLoader:
    """A rank's batches, read ahead by a thread straight into memory that is used again.

    Each batch is a dict: a fixed-size column is one tensor of shape (n, …), a ragged one a `Ragged` of values and
    offsets (strings and bytes among them, which it gives one by one), and what has no such form (images, JSON) a list
    of n values. With `collate_fn` the batch is what that makes of the list of samples. The order is the one a
    `StreamingDataLoader` gives, whatever its number of workers.

    Any batch may be kept: its memory is used again only when nothing refers to it.

    Args:
        dataset: whose batches to load; its `batch_size` is the batches'.
        prefetch: batches read ahead by a thread (small ones that share a reply count as one); 0 to read in the loop's
            own, which saves the handing over where loops are more than cores and do little themselves.
        pipeline: requests under way at the daemon.
        readers: threads that read one batch where it is large (from 2 MiB on, in samples of 64 KiB or more): one core
            does not use up what the memory can do. None for 2 where each of the node's ranks has two cores, else 1.
        collate_fn: makes a batch of a list of samples, each `{column: value}`.
        columns: names of the columns to give; all if None.
        id_column: name under which to give the samples' global ids (i64, n of them), too; None to leave them out.
        tensors: give torch tensors; None for torch if it is installed, else numpy arrays.
        pin_memory: read into page-locked memory, from which a GPU copies asynchronously; needs torch with CUDA.
        drop_last: leave out a last batch that is not full.

    Raises:
        ValueError: an argument cannot be.
    """

    def __init__(
        self,
        dataset: StreamingDataset,
        *,
        prefetch: int = 4,
        pipeline: int = DEFAULT_DEPTH,
        readers: int | None = None,
        collate_fn: Collate | None = None,
        columns: Collection[str] | None = None,
        id_column: str | None = None,
        tensors: bool | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
    ) -> None:
        if prefetch < 0 or pipeline < 1 or (readers is not None and readers < 1):
            raise ValueError(
                f"prefetch must be at least 0, pipeline and readers at least 1: {prefetch}, {pipeline}, {readers}"
            )
        self.dataset = dataset
        self.num_samples_yielded = 0
        self._prefetch = prefetch
        self._pipeline = pipeline
        self._readers = _usual_readers(dataset.world.ranks_per_node) if readers is None else readers
        self._collate = collate_fn
        self._columns = None if columns is None else frozenset(columns)
        self._id_column = id_column
        self._tensors = _has_torch() if tensors is None else tensors
        self._drop_last = drop_last
        self._pool = BufferPool(limit=4 * max(4, prefetch), pinned=pin_memory and _can_pin())
        self._reading: ThreadedReading | DirectReading | None = None

    def __len__(self) -> int:
        """Batches of an epoch (the most that any rank gets)."""
        batches = len(self.dataset) / self.dataset.batch_size
        return math.floor(batches) if self._drop_last else math.ceil(batches)

    def __iter__(self) -> Iterator[Any]:
        """The batches of the dataset's next epoch; an iteration begun earlier ends."""
        self.close()
        self.num_samples_yielded = 0
        epoch = self.dataset.begin_epoch()
        session = self.dataset.session
        source = EpochSource(
            session,
            epoch,
            depth=self._pipeline,
            threads=self._readers,
            pool=self._pool,
            least=session.info.batch_size if self._drop_last else 1,
            prepare=self.prepare,
        )
        reading = ThreadedReading(source, self._prefetch) if self._prefetch else DirectReading(source)
        self._reading = reading
        try:
            for samples, batch in reading:
                self.num_samples_yielded += samples
                yield batch
        finally:
            reading.close()

    def state_dict(self) -> dict[str, Any]:
        """A checkpoint: the batches that the training loop has received, however many were read ahead.

        In the reference's form, with the fingerprint. Every rank has the same, if all have received as many batches.
        """
        return self.dataset.state_dict(samples_of_all_ranks(self.dataset, self.num_samples_yielded))

    def load_state_dict(self, obj: Mapping[str, Any], *, accept_different: bool = False) -> None:
        """Continues from a checkpoint at the next iteration; see `StreamingDataset.load_state_dict`."""
        self.dataset.load_state_dict(obj, accept_different=accept_different)
        self.num_samples_yielded = 0

    def close(self) -> None:
        """Ends the iteration and its thread."""
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def prepare(self, batch: Batch) -> Any:
        """What the training loop gets of a batch; called by the thread that reads."""
        if self._collate is not None:
            return self._collate(batch.samples())
        columns = batch.columns()
        if self._columns is not None:
            missing = self._columns - columns.keys()
            if missing:
                raise KeyError(f"there is no column {sorted(missing)}; the columns are {list(columns)}")
            columns = {name: columns[name] for name in columns if name in self._columns}
        if self._id_column is not None:
            columns[self._id_column] = batch.ids.copy()
        return {name: _as_tensor(column) for name, column in columns.items()} if self._tensors else columns


def samples_of_all_ranks(dataset: StreamingDataset, samples: int) -> int:
    """The reference's count of an epoch's samples, from those that one rank received."""
    return samples * dataset.world.ranks // dataset.replication


def _as_tensor(column: ColumnValues) -> Any:
    if isinstance(column, Ragged):
        return column.to_torch()
    if isinstance(column, np.ndarray):
        import torch

        return torch.from_numpy(column)
    return column


def _usual_readers(ranks_per_node: int) -> int:
    """More than two gain little: they share the memory's bandwidth with whoever uses the batches."""
    return 2 if len(os.sched_getaffinity(0)) >= 2 * ranks_per_node else 1


def _has_torch() -> bool:
    try:
        import torch  # noqa: F401
    except ImportError:
        return False
    return True


def _can_pin() -> bool:
    import torch

    if torch.cuda.is_available():
        return True
    warn_user("pin_memory=True has no effect: torch finds no CUDA device")
    return False
