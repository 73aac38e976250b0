"""MosaicML Streaming's loader and ours, same shards, same arguments, sample by sample, checkpoints exchanged."""

from __future__ import annotations

import importlib.util
import json
import os
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from PythonClientTests.reference.conftest import Served
from PythonClientTests.reference.ranks import finish_ranks, start_ranks

PROGRAM = str(Path(__file__).with_name("order_rank.py"))
BATCHINGS = ("random", "stratified", "per_stream", "device_per_stream")
SHUFFLES = (None, "py1e", "py1br", "py1s", "py2s", "naive")
WORKERS = (0, 1, 3)
WHOLE_GRID = "SLUICE_WHOLE_ORDER_GRID"
STOP = 3
"""Batches of the second epoch before its checkpoint."""

needs_reference = pytest.mark.skipif(
    importlib.util.find_spec("streaming") is None or importlib.util.find_spec("torch") is None,
    reason="mosaicml-streaming or torch is not installed",
)


def grid() -> list[tuple[str, str | None, int]]:
    """Every batching with every shuffle; the number of workers takes turns, or all of them if asked for."""
    if os.environ.get(WHOLE_GRID):
        return list(product(BATCHINGS, SHUFFLES, WORKERS))
    pairs = list(product(BATCHINGS, SHUFFLES))
    return [(*pair, WORKERS[(at + at // len(SHUFFLES)) % 3]) for at, pair in enumerate(pairs)]


def cases(served: Served) -> list[dict[str, Any]]:
    return [
        {
            "name": "mix",
            "streams": served.streams(),
            "workers": workers,
            "stops": [None, STOP],
            "options": {
                "batch_size": 4,
                "batching_method": batching,
                "num_canonical_nodes": 2,
                "shuffle": shuffle is not None,
                "shuffle_block_size": 64,
                "shuffle_seed": 11,
                **({} if shuffle is None else {"shuffle_algo": shuffle}),
            },
        }
        for batching, shuffle, workers in grid()
    ]


def run(served: Served, directory: Path, ranks: int, work: dict[str, list[dict[str, Any]]]) -> dict[str, Any]:
    """Both libraries over their cases at the same time; for each the results by case and rank."""
    started = {}
    for library, todo in work.items():
        place = directory / library
        place.mkdir()
        (place / "cases.json").write_text(json.dumps(todo))
        arguments = [PROGRAM, library, str(place / "cases.json"), str(place / "out-{rank}.jsonl")]
        started[library] = start_ranks(arguments, ranks, [{"SLUICE_SOCKET": str(served.socket)}])
    results = {}
    for library, processes in started.items():
        finish_ranks(processes)
        files = [directory / library / f"out-{rank}.jsonl" for rank in range(ranks)]
        lines = [[json.loads(line) for line in file.read_text().splitlines()] for file in files]
        results[library] = list(zip(*lines, strict=True))
    return results


def describe(case: dict[str, Any]) -> str:
    options = case["options"]
    return f"{options['batching_method']}, {options.get('shuffle_algo')}, {case['workers']} workers"


def compare(todo: list[dict[str, Any]], theirs: list[Any], ours: list[Any]) -> None:
    """Case by case and rank by rank: lengths, sizes, every batch of every epoch, the checkpoint's five keys."""
    for case, reference, sluice in zip(todo, theirs, ours, strict=True):
        for rank, (expected, given) in enumerate(zip(reference, sluice, strict=True)):
            where = f"{describe(case)}, rank {rank}"
            assert "error" not in expected, f"{where}: {expected}"
            assert "error" not in given, f"{where}: {given}"
            assert given["epochs"] == expected["epochs"], where
            assert (given["length"], given["size"]) == (expected["length"], expected["size"]), where
            assert {key: given["state"][key] for key in expected["state"]} == expected["state"], where


def resumed(todo: list[dict[str, Any]], results: list[Any], options: dict[str, Any]) -> list[dict[str, Any]]:
    """The cases again from the checkpoints of `results`, with other options, to that epoch's end and into the next."""
    return [
        {**case, "options": case["options"] | options, "state": of_ranks[0]["state"], "stops": [None, 2]}
        for case, of_ranks in zip(todo, results, strict=True)
    ]


@needs_reference
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("ranks", [1, 2])
def test_the_reference_s_order(served: Served, tmp_path: Path, ranks: int) -> None:
    todo = cases(served)
    (tmp_path / "whole").mkdir()
    first = run(served, tmp_path / "whole", ranks, {"streaming": todo, "sluice": todo})
    compare(todo, first["streaming"], first["sluice"])

    # Each goes on from the other's checkpoint, to the end of that epoch and into the next.
    (tmp_path / "rest").mkdir()
    exchanged = {
        "streaming": resumed(todo, first["sluice"], {}),
        "sluice": resumed(todo, first["streaming"], {}),
    }
    second = run(served, tmp_path / "rest", ranks, exchanged)
    compare(todo, second["streaming"], second["sluice"])
    samples = sum(len(rank["epochs"][0]) for case in second["sluice"] for rank in case)
    print(f"{len(todo)} cases on {ranks} ranks: the same order; {samples} batches after exchanged checkpoints")


@needs_reference
@pytest.mark.timeout(900)
def test_resuming_on_other_ranks(served: Served, tmp_path: Path) -> None:
    """Two ranks stop in mid-epoch; one with batches twice as large goes on, from the other library's checkpoint."""
    elastic = {("random", "py1e"), ("random", "py2s"), ("stratified", "py1e"), ("stratified", None)}
    todo = [
        case
        for case in cases(served)
        if (case["options"]["batching_method"], case["options"].get("shuffle_algo")) in elastic
    ]
    (tmp_path / "two").mkdir()
    first = run(served, tmp_path / "two", 2, {"streaming": todo, "sluice": todo})
    compare(todo, first["streaming"], first["sluice"])
    (tmp_path / "one").mkdir()
    wider = {"batch_size": 8}
    exchanged = {
        "streaming": resumed(todo, first["sluice"], wider),
        "sluice": resumed(todo, first["streaming"], wider),
    }
    second = run(served, tmp_path / "one", 1, exchanged)
    compare(todo, second["streaming"], second["sluice"])
    for case, before, after in zip(todo, first["sluice"], second["sluice"], strict=True):
        taken = [sample for rank in before for batch in rank["epochs"][1] for sample in batch]
        rest = [sample for batch in after[0]["epochs"][0] for sample in batch]
        assert len(taken) == STOP * 8, describe(case)
        assert len(taken) + len(rest) >= 180, describe(case)
