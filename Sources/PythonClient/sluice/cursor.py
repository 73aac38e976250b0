"""Where a rank is in its dataset's epochs: which comes next, what checkpoint is in force, which session serves it."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sluice.checkpoint import Checkpoint
from sluice.connection.address import Address
from sluice.progress import Progress
from sluice.session import Session
from sluice.wire.messages import OpenRequest, ResumePoint
from sluice.world import World, data_worker

log = logging.getLogger("sluice")


class Cursor:
    """A rank's place, shared with its DataLoader workers.

    Args:
        address: of the daemon.
        request: to open, without workers and checkpoint.
        world: this rank.
        allow_unsafe_types: whether pickled columns may be decoded.

    Attributes:
        session: the dataset as opened for this process: as a rank, or as a worker of one.
    """

    def __init__(self, address: Address, request: OpenRequest, world: World, allow_unsafe_types: bool) -> None:
        self._address = address
        self._request = request
        self._world = world
        self._allow_unsafe_types = allow_unsafe_types
        self._checkpoint: Checkpoint | None = None
        self._progress = Progress()
        self.session = self._open(None)

    @property
    def next_epoch(self) -> int:
        """The epoch that the next iteration begins, if no checkpoint says otherwise."""
        epoch: int = self._progress.read()["next_epoch"]
        return epoch

    @next_epoch.setter
    def next_epoch(self, epoch: int) -> None:
        self._progress.set_next_epoch(epoch)

    def begin(self, claim: str | None = None, worker: int = 0) -> int:
        """Begins the next epoch for an iteration of this process, and opens the session that serves it.

        Args:
            claim: what the DataLoader workers of one iteration have in common.
            worker: this worker's number.

        Returns:
            The epoch.
        """
        epoch, active, stale = self._progress.begin(claim, worker)
        if stale:
            log.warning(
                "%s: the checkpoint that was loaded is of an epoch that this run has already begun, and is ignored, as "
                "in the reference; to go back set dataset.next_epoch to its epoch first",
                self.session.info.dataset,
            )
        self._open_for(active)
        return epoch

    def resume(self, state: Mapping[str, Any]) -> int:
        """Begins the epoch of a checkpoint, whatever was begun before; its number."""
        kept = {**Checkpoint.parse(state).state(), "accept_different": False}
        self._progress.resume(kept)
        self._open_for(kept)
        return int(state["epoch"])

    def state(self, num_samples: int, from_beginning: bool) -> dict[str, Any]:
        """A checkpoint; see `StreamingDataset.state_dict`."""
        document = self._progress.read()
        epoch = document["next_epoch"] - 1
        loaded, active = document["loaded"], document["active"]
        applied = loaded if loaded is not None and loaded["epoch"] >= epoch else active
        offset = 0
        if applied is not None and applied["epoch"] >= epoch:
            epoch, offset = applied["epoch"], applied["sample_in_epoch"]
        info = self.session.info
        point = ResumePoint(
            epoch,
            num_samples if from_beginning else offset + num_samples,
            info.num_canonical_nodes,
            info.shuffle_seed,
            info.initial_physical_nodes,
        )
        if applied is not None:
            known = Checkpoint.parse(applied).point
            point = replace(
                point,
                num_canonical_nodes=known.num_canonical_nodes or point.num_canonical_nodes,
                shuffle_seed=point.shuffle_seed if known.shuffle_seed is None else known.shuffle_seed,
                initial_physical_nodes=known.initial_physical_nodes or point.initial_physical_nodes,
            )
        return Checkpoint(point, info.fingerprint, info.description).state()

    def load(self, obj: Mapping[str, Any], accept_different: bool) -> None:
        """Keeps a checkpoint for the next iteration; see `StreamingDataset.load_state_dict`."""
        checkpoint = Checkpoint.parse(obj, accept_different)
        kept = {**checkpoint.state(), "accept_different": accept_different}
        if data_worker() is None and checkpoint.point.epoch >= self.next_epoch:
            # Better told now than when the first batch is asked for.
            self._open_for(kept)
            self.session.rest()
        self._progress.load(kept)

    def _open_for(self, state: Mapping[str, Any] | None) -> None:
        """Makes `session` the one for this process, its DataLoader worker, and a checkpoint."""
        checkpoint = None if state is None else Checkpoint.parse(state, bool(state["accept_different"]))
        workers = self._world.with_workers().workers_per_rank
        if checkpoint != self._checkpoint or self.session.request.workers_per_rank != workers:
            session = self._open(checkpoint)
            self.session.rest()
            self.session, self._checkpoint = session, checkpoint

    def _open(self, checkpoint: Checkpoint | None) -> Session:
        request = replace(self._request, workers_per_rank=self._world.with_workers().workers_per_rank)
        if checkpoint is not None:
            request = replace(request, resume=checkpoint.point, expected=checkpoint.expected)
        return Session(self._address, request, allow_unsafe_types=self._allow_unsafe_types)
