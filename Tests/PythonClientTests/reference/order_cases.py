"""What the order test goes through: a grid of batching, shuffle and workers, and what else fixes an order."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

from PythonClientTests.reference.conftest import SHARES

BATCHINGS = ("random", "stratified", "per_stream", "device_per_stream")
SHUFFLES = (None, "py1e", "py1br", "py1s", "py2s", "naive")
WORKERS = (0, 1, 3)
STOP = 3
"""Batches of the second epoch before its checkpoint."""

Weights = dict[str, dict[str, Any]]

_VARIANTS: dict[str, tuple[Weights, dict[str, Any]]] = {
    "repeats": ({"web": {"repeat": 0.6}, "code": {"repeat": 2.3}}, {}),
    "choose and whole": ({"web": {"choose": 50}, "code": {}}, {"shuffle_algo": "py1br"}),
    "choose, stratified": ({"web": {"choose": 90}, "code": {"choose": 30}}, {"batching_method": "stratified"}),
    "one stream": ({"web": {}}, {"batching_method": "per_stream"}),
    "one stream repeated": ({"code": {"repeat": 3}}, {"shuffle_algo": "py2s", "num_canonical_nodes": None}),
    "epoch_size": ({"web": {"proportion": 2}, "code": {"proportion": 1}}, {"epoch_size": 101}),
    "epoch_size as text": ({"web": {"proportion": 1}, "code": {"proportion": 3}}, {"epoch_size": "0.3k"}),
    "fixed sampling": ({"web": {"repeat": 0.5}, "code": {"repeat": 1.5}}, {"sampling_method": "fixed"}),
    "granularity": ({"web": {"repeat": 0.4}, "code": {"choose": 33}}, {"sampling_granularity": 5}),
    "one canonical node": ({}, {"num_canonical_nodes": 1}),
    "four canonical nodes": ({}, {"num_canonical_nodes": 4, "shuffle_algo": "py1s"}),
    "canonical nodes left out": ({}, {"num_canonical_nodes": None, "shuffle_block_size": None}),
    "64 canonical nodes": ({}, {"num_canonical_nodes": None, "shuffle_algo": "py1s"}),
    "original partitioning": ({}, {"partition_algo": "orig", "shuffle": False}),
    "one sample a batch": ({"web": {"choose": 20}, "code": {"choose": 11}}, {"batch_size": 1}),
    "odd batches": ({}, {"batch_size": 7, "shuffle_seed": 0}),
    "large batches": ({}, {"batch_size": 25}),
}
_FOR_TWO: dict[str, tuple[Weights, dict[str, Any]]] = {
    "replication": ({}, {"replication": 2}),
    "replication, stratified": ({}, {"replication": 2, "batching_method": "stratified", "shuffle_algo": "py1br"}),
    "replication, device_per_stream": ({}, {"replication": 2, "batching_method": "device_per_stream"}),
}


def grid(directory: Path, whole: bool) -> list[dict[str, Any]]:
    """Every batching with every shuffle; the number of workers takes turns, or is each of them for the whole grid."""
    if whole:
        chosen = list(product(BATCHINGS, SHUFFLES, WORKERS))
    else:
        pairs = list(product(BATCHINGS, SHUFFLES))
        chosen = [(*pair, WORKERS[(at + at // len(SHUFFLES)) % 3]) for at, pair in enumerate(pairs)]
    return [
        make(
            directory,
            f"{batching}, {shuffle or 'no shuffle'}, {workers} workers",
            {},
            workers,
            {"batching_method": batching, **({"shuffle_algo": shuffle} if shuffle else {"shuffle": False})},
        )
        for batching, shuffle, workers in chosen
    ]


def variants(directory: Path, ranks: int, whole: bool) -> list[dict[str, Any]]:
    """What else fixes an order; with every number of workers for the whole grid, or one of them, in turns."""
    known = _VARIANTS | (_FOR_TWO if ranks == 2 else {})
    found = []
    for at, (name, (weights, options)) in enumerate(known.items()):
        for workers in WORKERS if whole else (WORKERS[at % 3],):
            found.append(make(directory, f"{name}, {workers} workers", weights, workers, options))
    return found


def make(directory: Path, name: str, weights: Weights, workers: int, options: dict[str, Any]) -> dict[str, Any]:
    """A case: one whole epoch and `STOP` batches of the next, then the rest from each other's checkpoint."""
    weights = weights or {stream: {"proportion": share} for stream, share in SHARES.items()}
    common = {
        "batch_size": 4, "num_canonical_nodes": 2, "shuffle": True, "shuffle_block_size": 64, "shuffle_seed": 11
    }  # fmt: skip
    return {
        "name": name,
        "streams": [
            {"name": stream, "local": str(directory / stream), "weight": weight} for stream, weight in weights.items()
        ],
        "workers": workers,
        "stops": [None, STOP],
        "exchange": True,
        "options": common | options,
    }
