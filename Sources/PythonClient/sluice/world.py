"""Nodes, ranks and DataLoader workers: who consumes a dataset together."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace

from sluice.errors import WorldError


@dataclass(frozen=True, slots=True)
class World:
    """One rank's place in a job.

    Attributes:
        nodes: physical nodes.
        ranks_per_node: ranks (devices) on each.
        rank: the global rank, 0 ..< nodes · ranks_per_node.
        workers_per_rank: DataLoader workers of each rank; 1 when the rank loads for itself.
        worker: this worker of the rank, 0 ..< workers_per_rank.

    Raises:
        WorldError: the numbers cannot be.
    """

    nodes: int = 1
    ranks_per_node: int = 1
    rank: int = 0
    workers_per_rank: int = 1
    worker: int = 0

    def __post_init__(self) -> None:
        if self.nodes < 1 or self.ranks_per_node < 1 or self.workers_per_rank < 1:
            raise WorldError(f"a world has at least 1 node, rank per node and worker per rank: {self}")
        if not 0 <= self.rank < self.ranks:
            raise WorldError(f"rank {self.rank} is outside a world of {self.ranks} ranks")
        if not 0 <= self.worker < self.workers_per_rank:
            raise WorldError(f"worker {self.worker} is outside a rank of {self.workers_per_rank} workers")

    @property
    def ranks(self) -> int:
        """Ranks over all nodes."""
        return self.nodes * self.ranks_per_node

    @property
    def node(self) -> int:
        """The node this rank is on."""
        return self.rank // self.ranks_per_node

    @staticmethod
    def detect() -> World:
        """The world that torch.distributed or torchrun's environment tells of, with the DataLoader worker, if in one.

        Rank and world size come from torch.distributed if it is initialised, else from RANK and WORLD_SIZE (0 and 1 if
        unset); ranks per node from LOCAL_WORLD_SIZE, which may be unset only for a world of one rank.

        Raises:
            WorldError: the environment is incomplete or contradicts itself.
        """
        rank, size = _distributed() or (_number("RANK", 0), _number("WORLD_SIZE", 1))
        if "LOCAL_WORLD_SIZE" not in os.environ and size > 1:
            raise WorldError(
                f"there are {size} ranks but LOCAL_WORLD_SIZE is not set, so which of them share a node is unknown; "
                "set it (torchrun does), or pass world=sluice.World(nodes=…, ranks_per_node=…, rank=…)"
            )
        local = _number("LOCAL_WORLD_SIZE", 1)
        if local < 1 or size % local:
            raise WorldError(f"a world of {size} ranks is not made of nodes with LOCAL_WORLD_SIZE={local} ranks each")
        return World(size // local, local, rank).with_workers()

    def alone(self) -> World:
        """The same rank without DataLoader workers."""
        return replace(self, workers_per_rank=1, worker=0)

    def with_workers(self) -> World:
        """The same rank, as the DataLoader worker that this process is (if it is one)."""
        worker, workers = data_worker() or (0, 1)
        return replace(self, workers_per_rank=workers, worker=worker)


def data_worker() -> tuple[int, int] | None:
    """The process's number among its DataLoader's workers and their count; None outside one."""
    data = sys.modules.get("torch.utils.data")
    info = data.get_worker_info() if data is not None else None
    return (info.id, info.num_workers) if info is not None else None


def _distributed() -> tuple[int, int] | None:
    # A program that uses torch.distributed has imported it; one that has not need not pay for torch here.
    distributed = sys.modules.get("torch.distributed")
    if distributed is None or not distributed.is_available() or not distributed.is_initialized():
        return None
    return distributed.get_rank(), distributed.get_world_size()


def _number(name: str, default: int) -> int:
    text = os.environ.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError:
        raise WorldError(f"the environment's {name} is {text!r}, which is not a whole number") from None
