"""One worker's pass over an epoch, sample by sample."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Generator, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from sluice.batch import Batch
from sluice.errors import SluiceError
from sluice.indexing import Indexable
from sluice.world import data_worker

if TYPE_CHECKING:
    from sluice.dataset import StreamingDataset


class SampleIterator(Iterator[dict[str, Any]]):
    """The samples of an epoch for this process: a rank's, or a DataLoader worker's.

    The epoch is begun with the first sample, or in a DataLoader worker at once. `state_dict` and `load_state_dict` are
    torchdata's protocol: a position among this worker's samples.

    Args:
        dataset: whose epoch it is.
    """

    def __init__(self, dataset: StreamingDataset) -> None:
        self._dataset = dataset
        self._epoch: int | None = None
        self._start: dict[str, Any] | None = None
        self._yielded = 0
        self._samples: Generator[dict[str, Any], None, None] | None = None
        self._closed = False

    def begin(self) -> None:
        """Claims the epoch, together with the other workers of this DataLoader iteration."""
        if self._epoch is not None:
            return
        worker = data_worker()
        number, claim = (0, None) if worker is None else (worker[0], _iteration_of_worker(worker[0]))
        self._epoch = self._dataset.begin_epoch(claim, number)
        self._start = self._dataset.state_dict(0)

    def __iter__(self) -> SampleIterator:
        return self

    def __next__(self) -> dict[str, Any]:
        if self._closed:
            raise StopIteration
        if self._samples is None:
            self.begin()
            self._samples = self._each_sample()
        sample = next(self._samples)
        self._yielded += 1
        return sample

    def close(self) -> None:
        """Ends the iteration."""
        self._closed = True
        if self._samples is not None:
            with contextlib.suppress(ValueError):  # Another thread is in it, and will find it closed.
                self._samples.close()

    def state_dict(self) -> dict[str, Any]:
        """Where this worker is: the state in which its iteration began, and the samples it gave since."""
        start = self._start if self._start is not None else self._dataset.state_dict(0)
        workers = (data_worker() or (0, 1))[1]
        return {**start, "begun": self._epoch is not None, "yielded": self._yielded, "workers": workers}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from `state_dict` of the same worker of as many.

        Raises:
            SluiceError: the number of workers is another.
        """
        workers = (data_worker() or (0, 1))[1]
        if state["workers"] != workers:
            raise SluiceError(
                f"this state is of a loader with {state['workers']} workers and cannot be taken up by one with "
                f"{workers}; a StreamingDataLoader's or BatchLoader's state can"
            )
        if state["begun"]:
            self._start = {key: state[key] for key in state if key not in ("begun", "yielded", "workers")}
            self._epoch = self._dataset.resume_epoch(self._start)
        self._yielded = state["yielded"]

    def _each_sample(self) -> Generator[dict[str, Any], None, None]:
        dataset = self._dataset
        assert self._epoch is not None
        session = dataset.session
        worker = data_worker()
        first, skip = divmod(self._yielded, session.info.batch_size)
        plain = type(dataset).__getitem__ is Indexable.__getitem__ and _is_plain(dataset)
        batches = session.batches(self._epoch, first=first, worker=None if worker is None else worker[0])
        try:
            for batch in batches:
                yield from self._of_batch(batch, skip, plain)
                skip = 0
        finally:
            batches.close()
            dataset.hold(None)

    def _of_batch(self, batch: Batch, skip: int, plain: bool) -> Generator[dict[str, Any], None, None]:
        if plain:
            for index in range(skip, len(batch)):
                yield batch.sample(index)
            return
        # A subclass transforms samples in __getitem__ or get_item; it finds this batch's at hand.
        for sample_id in batch.ids[skip:].tolist():
            self._dataset.hold(batch)
            yield self._dataset[sample_id]


def _is_plain(dataset: StreamingDataset) -> bool:
    from sluice.dataset import StreamingDataset as Ours

    return type(dataset).get_item is Ours.get_item


_iterations: dict[int, int] = {}


def _iteration_of_worker(worker: int) -> str:
    """What the workers of one DataLoader iteration have in common: the loader's seed, and the iterations before."""
    info = sys.modules["torch.utils.data"].get_worker_info()
    seed = info.seed - worker
    _iterations[seed] = _iterations.get(seed, 0) + 1
    return f"{seed}:{_iterations[seed]}"
