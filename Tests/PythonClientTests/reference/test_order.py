"""MosaicML Streaming's loader and ours, same shards, same arguments, sample by sample, checkpoints exchanged.

By default every batching method with every shuffle on 1 and 2 ranks, and on 2 ranks every further option that fixes an
order, with 0, 1 and 3 DataLoader workers in turns. SLUICE_WHOLE_ORDER_GRID=1 takes every case with every number of
workers on both: 123 cases on 1 rank and 132 on 2, which took 96 and 209 s (Tests/Benchmarks/client.md).
"""

from __future__ import annotations

import importlib.util
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from PythonClientTests.reference.conftest import Served
from PythonClientTests.reference.order_cases import STOP, grid, variants
from PythonClientTests.reference.ranks import finish_ranks, private_shared_memory, start_ranks

PROGRAM = str(Path(__file__).with_name("order_rank.py"))
WHOLE_GRID = "SLUICE_WHOLE_ORDER_GRID"
TOGETHER = 44
"""Cases of one process: the reference leaves threads and descriptors behind for every epoch that is broken off."""

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("streaming") is None or importlib.util.find_spec("torch") is None,
    reason="mosaicml-streaming or torch is not installed",
)


def run(served: Served, directory: Path, ranks: int, cases: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """All cases, many by one process a rank; the results by case and rank."""
    results: list[tuple[Any, ...]] = []
    for start in range(0, len(cases), TOGETHER):
        results += run_together(served, directory / str(start), ranks, cases[start : start + TOGETHER])
    return results


def run_together(served: Served, directory: Path, ranks: int, cases: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    directory.mkdir(parents=True)
    (directory / "cases.json").write_text(json.dumps(cases))
    arguments = [PROGRAM, str(directory / "cases.json"), str(directory / "out-{rank}.jsonl")]
    environment = {"SLUICE_SOCKET": str(served.socket), "OMP_NUM_THREADS": "1", "TMPDIR": str(directory)}
    with private_shared_memory() as within:
        finish_ranks(start_ranks(arguments, ranks, [environment], within))
    lines = [(directory / f"out-{rank}.jsonl").read_text().splitlines() for rank in range(ranks)]
    results = list(zip(*[map(json.loads, of_rank) for of_rank in lines], strict=True))
    assert len(results) == len(cases)
    return results


def compare(cases: list[dict[str, Any]], results: list[tuple[Any, ...]]) -> int:
    """Lengths, sizes, weights, every batch of every epoch, the checkpoint's five keys; the samples compared."""
    samples = 0
    for case, of_ranks in zip(cases, results, strict=True):
        for rank, parts in enumerate(of_ranks):
            for part, answers in parts.items():
                where = f"{case['name']}, rank {rank} of {len(of_ranks)}, {part}"
                expected, given = answers["streaming"], answers["sluice"]
                assert given["epochs"] == expected["epochs"], where
                for fact in ("length", "size", "drawn"):
                    assert given[fact] == expected[fact], f"{where}: {fact}"
                assert {key: given["state"][key] for key in expected["state"]} == expected["state"], where
                samples += sum(len(batch) for epoch in given["epochs"] for batch in epoch)
    return samples


def seconds(results: list[tuple[Any, ...]], library: str) -> float:
    """What rank 0 spent with one library."""
    return sum(answers[library]["seconds"] for of_ranks in results for answers in of_ranks[0].values())


@pytest.mark.timeout(3600)
@pytest.mark.parametrize("ranks", [1, 2])
def test_the_reference_s_order(served: Served, tmp_path: Path, ranks: int) -> None:
    whole = bool(os.environ.get(WHOLE_GRID))
    cases = grid(served.directory, whole)
    if whole or ranks == 2:
        cases += variants(served.directory, ranks, whole)
    began = time.monotonic()
    results = run(served, tmp_path / "run", ranks, cases)
    samples = compare(cases, results)
    # Nothing is compared with nothing: every case has samples in both epochs and after both checkpoints.
    for case, of_ranks in zip(cases, results, strict=True):
        for parts in of_ranks:
            assert all(epoch for part in ("whole", "rest") for epoch in parts[part]["sluice"]["epochs"]), case["name"]
    print(
        f"{len(cases)} cases on {ranks} ranks in {time.monotonic() - began:.0f} s (streaming "
        f"{seconds(results, 'streaming'):.0f} s, sluice {seconds(results, 'sluice'):.0f} s): {samples} samples the same"
    )


ELASTIC = ("random, py1e", "random, py2s", "stratified, py1e", "stratified, no shuffle")

Stopped = tuple[list[dict[str, Any]], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def stopped(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    """The cases that can go on with other ranks, stopped in mid-epoch on two."""
    cases = [{**case, "exchange": False} for case in grid(served.directory, False) if case["name"].startswith(ELASTIC)]
    assert len(cases) == len(ELASTIC)
    results = run(served, tmp_path_factory.mktemp("elastic") / "two", 2, cases)
    compare(cases, results)
    return cases, results


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("ranks", "batch_size"), [(1, 8), (4, 2)])
def test_resuming_on_other_ranks(served: Served, stopped: Stopped, tmp_path: Path, ranks: int, batch_size: int) -> None:
    """One rank, or four, with the same global batch go on from the other library's checkpoint."""
    exchanged = [
        {
            **case,
            "options": case["options"] | {"batch_size": batch_size},
            "states": {
                library: of_ranks[0]["whole"][other]["state"]
                for library, other in (("streaming", "sluice"), ("sluice", "streaming"))
            },
            "stops": [None, 2],
        }
        for case, of_ranks in zip(*stopped, strict=True)
    ]
    after = run(served, tmp_path / "others", ranks, exchanged)
    compare(exchanged, after)
    for case, old, new in zip(*stopped, after, strict=True):
        taken = [sample for rank in old for batch in rank["whole"]["sluice"]["epochs"][1] for sample in batch]
        rest = [sample for rank in new for batch in rank["whole"]["sluice"]["epochs"][0] for sample in batch]
        assert len(taken) == STOP * 8, case["name"]
        assert len(taken) + len(rest) >= 180, case["name"]
