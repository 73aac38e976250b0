"""The real daemon killed and restarted under a training loop; a trainer interrupted; a program that just ends."""

from __future__ import annotations

import importlib.util
import itertools
import random
from typing import Any

import pytest
import sluice

from PythonClientTests.reference.conftest import Served

needs_torch = pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed")


def open_mix(served: Served) -> sluice.StreamingDataset:
    return sluice.StreamingDataset("mix", socket=served.socket, batch_size=4, shuffle=True, wait=60)


def keep(samples: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(sample["source"], sample["index"]) for sample in samples]


@pytest.mark.parametrize("kill", [True, False])
def test_the_daemon_restarts_under_a_loop(restartable: Served, kill: bool) -> None:
    whole = list(sluice.BatchLoader(open_mix(restartable), collate_fn=keep))
    received = []
    for batch in sluice.BatchLoader(open_mix(restartable), collate_fn=keep, prefetch=1, pipeline=2):
        received.append(batch)
        if len(received) in (5, 20, 33):
            restartable.restart(kill)
    assert received == whole


@needs_torch
def test_the_daemon_restarts_under_workers(restartable: Served) -> None:
    whole = list(sluice.BatchLoader(open_mix(restartable), collate_fn=keep))
    loader = sluice.StreamingDataLoader(open_mix(restartable), batch_size=4, num_workers=2, collate_fn=keep)
    received = []
    for batch in loader:
        received.append(batch)
        if len(received) == 10:
            restartable.restart(True)
    assert received == whole


def test_stopping_and_resuming_at_random_points(restartable: Served) -> None:
    """Two epochs in pieces, each by a new dataset that knows only the checkpoint: every sample as if in one go."""
    seed = random.randrange(2**32)  # noqa: S311
    print(f"seed {seed}")
    rng = random.Random(seed)  # noqa: S311
    loader = sluice.BatchLoader(open_mix(restartable), collate_fn=keep)
    whole = list(loader) + list(loader)
    received: list[Any] = []
    state = None
    while len(received) < len(whole):
        piece = sluice.BatchLoader(open_mix(restartable), collate_fn=keep)
        if state is not None:
            piece.load_state_dict(state)
        wanted = min(rng.randrange(1, 15), len(whole) - len(received))
        # A checkpoint of an epoch's very end leaves nothing of it, as in the reference; the next epoch follows.
        for batch in itertools.chain(piece, piece):
            received.append(batch)
            wanted -= 1
            if wanted == 0:
                break
        state = piece.state_dict()
        piece.close()
    assert received == whole


@needs_torch
def test_a_checkpoint_of_other_data_is_refused(restartable: Served) -> None:
    dataset = open_mix(restartable)
    next(iter(dataset))
    state = dataset.state_dict(8)
    with pytest.raises(sluice.errors.FingerprintError, match="shuffle_seed"):
        sluice.StreamingDataset(
            "mix", socket=restartable.socket, batch_size=4, shuffle=True, sampling_granularity=3
        ).load_state_dict({**state, "shuffle_seed": 5})
