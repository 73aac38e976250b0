"""`StreamingDataLoader`: torch's DataLoader with checkpoints of what the training loop has received."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor
from torch.utils.data import DataLoader

from sluice.batch_loader import samples_of_all_ranks
from sluice.dataset import StreamingDataset


class StreamingDataLoader(DataLoader[Any]):
    """torch's DataLoader over a `StreamingDataset`, with any number of workers; takes the DataLoader's arguments.

    Workers are the plan's workers: worker w of W loads batches w, w + W, …, so the order is the same for every W.

    Attributes:
        num_samples_yielded: samples that the loop on this rank has received since its iteration began.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.num_samples_yielded = 0

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """Each batch; counts its samples when the loop receives it."""
        self.num_samples_yielded = 0
        for batch in super().__iter__():
            self.num_samples_yielded += samples_of_batch(batch)
            yield batch

    def state_dict(self) -> dict[str, Any] | None:
        """A checkpoint in the reference's form, with the fingerprint; None if the dataset is another kind.

        It means the batches that the training loop has received, however many the workers have loaded ahead. Every rank
        has the same, if all have received as many batches; rank 0's is the one to save.
        """
        if not isinstance(self.dataset, StreamingDataset):
            return None
        return self.dataset.state_dict(samples_of_all_ranks(self.dataset, self.num_samples_yielded))

    def load_state_dict(self, obj: Mapping[str, Any], *, accept_different: bool = False) -> None:
        """Continues from a checkpoint at the next iteration; see `StreamingDataset.load_state_dict`."""
        if isinstance(self.dataset, StreamingDataset):
            self.dataset.load_state_dict(obj, accept_different=accept_different)
            self.num_samples_yielded = 0


def samples_of_batch(batch: Any) -> int:
    """Samples of a collated batch.

    The length of a mapping's first value, of a tensor, of a list of mappings (samples left as they are), or else of a
    sequence's first item (as of a pair of inputs and targets).

    Raises:
        ValueError: the mapping is empty.
    """
    if isinstance(batch, Mapping):
        for value in batch.values():
            return len(value)
        raise ValueError("a batch without columns has no number of samples; let collate_fn keep at least one")
    if isinstance(batch, Tensor) or isinstance(batch[0], Mapping):
        return len(batch)
    return len(batch[0])
