"""What a dataset is, as its session tells: sizes, seeds, streams."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sluice.session import Session


class DatasetFacts(ABC):
    """Read-only properties of an open dataset, under the reference's names where it has them."""

    @property
    @abstractmethod
    def session(self) -> Session:
        """The dataset as the daemon opened it for this process."""

    @property
    def size(self) -> int:
        """Distinct samples; sample ids are 0 ..< size."""
        return self.session.info.size

    @property
    def num_samples(self) -> int:
        """The reference's name for `size`."""
        return self.size

    def __len__(self) -> int:
        """Samples of an epoch for one rank (the most that any rank gets, as in the reference)."""
        return self.session.info.length

    @property
    def epoch_size(self) -> int:
        """Samples drawn in an epoch, over all ranks."""
        return self.session.info.epoch_size

    @property
    def batch_size(self) -> int:
        """Samples of a device batch."""
        return self.session.info.batch_size

    @property
    def replication(self) -> int:
        """Consecutive ranks that get the same samples; 1 for none."""
        return self.session.info.replication

    @property
    def num_canonical_nodes(self) -> int:
        """Nodes that the order is made for, as in force."""
        return self.session.info.num_canonical_nodes

    @property
    def shuffle_seed(self) -> int:
        """Seed of the order, as in force."""
        return self.session.info.shuffle_seed

    @property
    def fingerprint(self) -> str:
        """Digest of everything that fixes the order, the world apart; hexadecimal."""
        return self.session.info.fingerprint

    @property
    def samples_per_stream(self) -> NDArray[np.int64]:
        """Distinct samples of each stream."""
        return np.array([stream.samples for stream in self.session.info.streams], np.int64)

    @property
    def sample_offset_per_stream(self) -> NDArray[np.int64]:
        """Global id of each stream's first sample."""
        return np.array([stream.first_sample for stream in self.session.info.streams], np.int64)

    def comparable(self) -> dict[str, Any]:
        """What must be equal on all ranks of a job, and the description that explains a difference."""
        info, request = self.session.info, self.session.request
        return {
            "dataset": "(inline)" if request.inline else info.dataset,
            "fingerprint": info.fingerprint,
            "description": info.description,
            "nodes": request.nodes,
            "ranks_per_node": request.ranks_per_node,
            "batch_size": info.batch_size,
            "replication": info.replication,
        }
