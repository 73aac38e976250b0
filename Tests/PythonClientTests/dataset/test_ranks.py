"""Several ranks: the comparison across them through torch.distributed, and the example trainer resumed on others."""

from __future__ import annotations

import json
import struct
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sluice.agreement import differences
from sluice.decoding import Column, Schema, ShardFormat

from PythonClientTests.fake.daemon import FakeDaemon
from PythonClientTests.reference.ranks import SOURCES, finish_ranks, start_ranks

pytest.importorskip("torch", reason="PyTorch is not installed")


def test_differences_are_told_by_rank() -> None:
    first = {"fingerprint": "aa", "description": "shards 3\nseed 1", "batch_size": 8}
    other = {"fingerprint": "bb", "description": "shards 4\nseed 1", "batch_size": 8}
    assert differences([first, first]) == []
    assert differences([first, first, other, other]) == [
        "  fingerprint: rank 0 has 'aa', rank 2, 3 'bb'",
        "    rank 0 only: shards 3",
        "    the other only: shards 4",
    ]


COMPARES = """
import os
import torch.distributed as dist
import sluice
dist.init_process_group("gloo")
print(sluice.StreamingDataset("fixtures", socket=os.environ["FIRST_SOCKET"]))
try:
    sluice.StreamingDataset("fixtures", socket=os.environ["SECOND_SOCKET"])
except sluice.errors.RanksDisagreeError as error:
    print("DIFFERENT", error)
dist.destroy_process_group()
"""


def test_ranks_compare_their_data(daemon: FakeDaemon, tmp_path: Path) -> None:
    """Two nodes' daemons, of which one has other data for the second dataset: both ranks are told."""
    with (
        FakeDaemon(tmp_path / "same.sock", daemon.shards) as same,
        FakeDaemon(tmp_path / "other.sock", daemon.shards) as other,
    ):
        other.fingerprint = "beef"
        sockets = [
            {"FIRST_SOCKET": str(first.path), "SECOND_SOCKET": str(second.path)}
            for first, second in ((daemon, daemon), (same, other))
        ]
        for output in finish_ranks(start_ranks(["-c", COMPARES], 2, sockets)):
            assert "of 2)" in output
            assert "DIFFERENT" in output
            assert "rank 0 has 'feed', rank 1 'beef'" in output


def token_shards(samples: int, length: int) -> list[tuple[Schema, list[bytes]]]:
    schema = Schema(ShardFormat.MDS, (Column("tokens", f"ndarray:uint16:{length}", 2 * length),))
    rows = [struct.pack(f"<{length}H", *[(7 * row + 3 * at) % 50 for at in range(length)]) for row in range(samples)]
    return [(schema, rows[: samples // 2]), (schema, rows[samples // 2 :])]


def steps(directory: Path) -> dict[int, list[dict[str, Any]]]:
    """What the ranks recorded, by step."""
    found: dict[int, list[dict[str, Any]]] = {}
    for path in sorted(directory.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            entry = json.loads(line)
            found.setdefault(entry["step"], []).append(entry)
    return found


def test_the_example_trains_and_resumes_on_other_ranks(tmp_path: Path) -> None:
    samples, batch = 96, 8
    script = str(SOURCES / "examples" / "train_tokens.py")
    with FakeDaemon(tmp_path / "s.sock", token_shards(samples, 16)) as daemon:
        common = ["--dataset", "fixtures", "--socket", str(daemon.path), "--global-batch", str(batch)]
        common += ["--vocabulary", "50", "--checkpoint", str(tmp_path / "run.pt"), "--save-every", "4"]
        for ranks, until in ((2, 5), (1, 12)):
            record = tmp_path / f"with-{ranks}"
            record.mkdir()
            arguments = [script, *common, "--steps", str(until), "--record", str(record)]
            finish_ranks(start_ranks(arguments, ranks))
        seen: Counter[int] = Counter()
        losses = []
        for ranks, first, last in ((2, 1, 5), (1, 6, 12)):
            recorded = steps(tmp_path / f"with-{ranks}")
            assert sorted(recorded) == list(range(first, last + 1))
            for step in sorted(recorded):
                assert len(recorded[step]) == ranks
                seen.update(sample for entry in recorded[step] for sample in entry["ids"])
                losses.append(np.mean([entry["loss"] for entry in recorded[step]]))
        assert seen == Counter(range(samples))
        assert losses[-1] < losses[0]
