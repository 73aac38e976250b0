"""What a dataset is, as its session tells: sizes, seeds, streams."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sluice.session import Session

_DEFAULTS: dict[str, Any] = {
    "shuffle": False,
    "shuffle_algo": "py1e",
    "shuffle_block_size": None,
    "batching_method": "random",
    "sampling_method": "balanced",
    "sampling_granularity": 1,
    "partition_algo": "relaxed",
    "predownload": None,
}
"""The reference's defaults of options that a session does not tell by themselves."""

_OF_THE_DAEMON = {
    "shards": "shards are the daemon's; `sluice status` and `sluice cache` show them",
    "spanner": "shards are the daemon's; get_item finds a sample in them",
    "samples_per_shard": "shards are the daemon's; samples_per_stream counts what they hold",
    "sample_offset_per_shard": "shards are the daemon's; sample_offset_per_stream tells where streams begin",
    "stream_per_shard": "shards are the daemon's; shards_per_stream counts them",
    "cache_limit": "one cache serves the whole machine; cache.limit in the daemon's configuration bounds it",
    "cache_usage": "one cache serves the whole machine; `sluice cache` shows what it holds",
    "prepare_shard": "the daemon fetches ahead of every session; `sluice prefetch` fetches before there is one",
    "evict_shard": "the daemon evicts what is needed last; `sluice evict` does so by hand",
    "evict_coldest_shard": "the daemon evicts what is needed last; `sluice evict` does so by hand",
    "resample_streams": "the daemon plans epochs; `sluice plan` shows an order",
}
"""What the reference's datasets have, too, and where it is here."""


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

    @property
    def length(self) -> int:
        """The reference's name for `len(dataset)`."""
        return len(self)

    @property
    def num_streams(self) -> int:
        """Streams in the mix."""
        return len(self.session.info.streams)

    @property
    def num_shards(self) -> int:
        """Shards of all streams."""
        return sum(stream.shards for stream in self.session.info.streams)

    @property
    def shards_per_stream(self) -> NDArray[np.int64]:
        """Shards of each stream."""
        return np.array([stream.shards for stream in self.session.info.streams], np.int64)

    @property
    def initial_physical_nodes(self) -> int:
        """Nodes of the run that began the epoch; this run's, unless a checkpoint says otherwise."""
        return self.session.info.initial_physical_nodes

    @property
    def shuffle(self) -> bool:
        """Whether the order is shuffled."""
        return bool(self._option("shuffle"))

    @property
    def shuffle_algo(self) -> str:
        """How the order is shuffled, if it is."""
        return str(self._option("shuffle_algo"))

    @property
    def shuffle_block_size(self) -> int | None:
        """Samples that are shuffled together; None where that does not matter."""
        value: int | None = self._option("shuffle_block_size")
        return value

    @property
    def batching_method(self) -> str:
        """How batches are made of streams."""
        return str(self._option("batching_method"))

    @property
    def sampling_method(self) -> str:
        """How a partial repeat chooses its samples."""
        return str(self._option("sampling_method"))

    @property
    def sampling_granularity(self) -> int:
        """Samples that a partial repeat takes from one shard at a time."""
        return int(self._option("sampling_granularity"))

    @property
    def partition_algo(self) -> str:
        """How an epoch is divided among nodes, ranks and workers."""
        return str(self._option("partition_algo"))

    @property
    def predownload(self) -> int | None:
        """Samples to prepare ahead, as given; None if the daemon decides."""
        value: int | None = self._option("predownload")
        return value

    def _option(self, name: str) -> Any:
        """An option as in force: as the order was made with it, else as given, else the reference's default."""
        lines = (line.split(" ", 2) for line in self.session.info.description.splitlines())
        made_with = {line[1]: line[2] for line in lines if len(line) == 3 and line[0] == "option"}
        if name in made_with:
            value = made_with[name]
            return value == "true" if value in ("true", "false") else int(value) if value.isdecimal() else value
        request = self.session.request
        given: dict[str, Any] = json.loads(request.dataset if request.inline else request.overrides or "{}")
        return given.get(name, _DEFAULTS[name])

    def __getattr__(self, name: str) -> Any:
        where = _OF_THE_DAEMON.get(name)
        raise AttributeError(
            f"{type(self).__name__} has no {name}" + (f", which the reference's has: {where}" if where else ""),
            name=name,
            obj=self,
        )

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
