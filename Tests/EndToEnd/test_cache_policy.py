"""What a real daemon downloads under a tight limit, against the least that any policy could and against LRU."""

from __future__ import annotations

import json
import os
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import sluice

from testbed.fixtures import COLUMNS, Stage
from testbed.mds import write_stream
from testbed.operations import cache_status

SHARDS, SAMPLES_A_SHARD, BATCH, EPOCHS = 60, 24, 8, 3
#: What the cache counts for a copy's own record.
RECORD_BYTES = 4096


@dataclass
class Workload:
    """A stream of shards of equal size, so that Belady's rule is optimal."""

    shard_bytes: int
    owner: list[int]

    @classmethod
    def write(cls, directory: Path) -> Workload:
        """Write it."""
        count = SHARDS * SAMPLES_A_SHARD
        samples = [{"index": index, "source": "web", "text": f"{index:06} " + "x" * 600} for index in range(count)]
        write_stream(directory, COLUMNS, samples, SAMPLES_A_SHARD * 630)
        records = json.loads((directory / "index.json").read_text())["shards"]
        assert len(records) == SHARDS
        assert {record["samples"] for record in records} == {SAMPLES_A_SHARD}
        (size,) = {record["raw_data"]["bytes"] for record in records}
        return cls(size, [index // SAMPLES_A_SHARD for index in range(count)])

    def needed(self, batches: Sequence[Sequence[int]]) -> list[set[int]]:
        """Give the shards that each batch needs at once."""
        return [{self.owner[sample] for sample in batch} for batch in batches]


def belady(needed: Sequence[set[int]], capacity: int) -> int:
    """Downloads when what leaves is always what is needed last, with every later batch known."""
    uses: dict[int, list[int]] = {}
    for position, shards in reversed(list(enumerate(needed))):
        for shard in shards:
            uses.setdefault(shard, []).append(position)
    there: set[int] = set()
    downloads = 0
    for shards in needed:
        for shard in sorted(shards - there):
            if len(there) >= capacity:
                last = max(sorted(there - shards), key=lambda other: uses[other][-1] if uses[other] else len(needed))
                there.remove(last)
            there.add(shard)
            downloads += 1
        for shard in shards:
            uses[shard].pop()
    return downloads


def least_recently_used(needed: Sequence[set[int]], capacity: int) -> int:
    """Downloads when what leaves is what was used longest ago, as in the reference."""
    there: OrderedDict[int, None] = OrderedDict()
    downloads = 0
    for shards in needed:
        for shard in sorted(shards):
            if shard not in there:
                if len(there) >= capacity:
                    del there[next(other for other in there if other not in shards)]
                there[shard] = None
                downloads += 1
        for shard in sorted(shards):
            there.move_to_end(shard)
    return downloads


#: Order, cache in percent of the data, mean bytes of a sample under which they travel inline (0: descriptors).
#: `SLUICE_CACHE_POLICY=all` runs every combination, for Tests/Benchmarks/cache.md.
SETTINGS = [
    ("py1e", 25, 4096),
    ("py1e", 50, 4096),
    ("py1s", 25, 4096),
    ("naive", 50, 4096),
    ("py1e", 25, 0),
    ("naive", 50, 0),
]
if os.environ.get("SLUICE_CACHE_POLICY") == "all":
    SETTINGS = [
        (order, percent, inline) for inline in (4096, 0) for order in ("py1e", "py1s", "naive") for percent in (25, 50)
    ]


@pytest.mark.parametrize(("order", "percent", "inline_bytes"), SETTINGS)
def test_three_epochs_download_what_beladys_rule_would(
    stage: Stage, order: str, percent: int, inline_bytes: int
) -> None:
    work = Workload.write(stage.files / "web")
    dataset = {
        "streams": [{"stream": "web"}],
        "batch_size": BATCH,
        "shuffle": True,
        "shuffle_algo": order,
        "shuffle_block_size": 4 * SAMPLES_A_SHARD,
        "num_canonical_nodes": 1,
    }
    configuration = stage.configuration(
        {"web": stage.remote("web")},
        {"all": dataset},
        limits={"inline_bytes": inline_bytes},
        log={"level": "debug", "format": "json"},
    )
    capacity = SHARDS * percent // 100
    configuration["cache"]["limit"] = capacity * (work.shard_bytes + RECORD_BYTES)
    daemon = stage.start(configuration)
    batches: list[list[int]] = []
    with sluice.connect(stage.socket) as client, client.open("all") as session:
        for epoch in range(EPOCHS):
            session.epoch(epoch)
            # The next epoch is planned as soon as one has begun. A trainer would not notice when; the bound does.
            daemon.wait_for_log(f'"epochs":"[{epoch}, {epoch + 1}]"')
            batches += [[int(sample) for sample in batch.ids] for batch in session.batches(epoch)]
        status = cache_status(stage.socket)
    needed = work.needed(batches)
    bound, recent = belady(needed, capacity), least_recently_used(needed, capacity)
    # The session looks ahead to a fourth epoch: what was fetched for that has not been used by three.
    ahead = status["fetchedAhead"] // (work.shard_bytes + RECORD_BYTES)
    downloads = status["downloadedBytes"] // work.shard_bytes - ahead
    kilobytes = work.shard_bytes // 1000
    print(
        f"| {order} | {percent} % | {'inline' if inline_bytes else 'descriptors'} | {bound * kilobytes} "
        f"| {downloads * kilobytes} | {recent * kilobytes} | {100 * (recent - downloads) / recent:.1f} % |"
    )
    assert status["used"] + status["reserved"] + status["unlinking"] <= configuration["cache"]["limit"]
    # What clients hold open, or what is under way, cannot be evicted: that costs some downloads in hundreds.
    assert bound <= downloads <= bound + bound // (50 if order == "py1e" and not inline_bytes else 200)
    assert recent > downloads
