"""What the daemon warns of is logged once for a dataset, there and in the trainer, and again when it has changed."""

from __future__ import annotations

import json
import logging

import pytest
import sluice
from sluice.wire.batches import Bytes

from testbed.fixtures import Stage, in_order
from testbed.operations import run_sluice

RECORD_BYTES = 4096
BATCH_SIZE = 64


def largest_batch(stage: Stage) -> int:
    """What the shards of a batch take of the cache at once, at most, where samples come in order."""
    owners: list[int] = []
    sizes: list[int] = []
    for number, record in enumerate(json.loads((stage.files / "web" / "index.json").read_text())["shards"]):
        owners += [number] * record["samples"]
        sizes.append(record["raw_data"]["bytes"] + RECORD_BYTES)
    batches = [owners[first : first + BATCH_SIZE] for first in range(0, len(owners), BATCH_SIZE)]
    return max(sum(sizes[shard] for shard in set(batch)) for batch in batches)


def train(stage: Stage) -> list[str]:
    """Two sessions of two epochs; the warnings that each was given."""
    given: list[str] = []
    for _ in range(2):
        with sluice.connect(stage.socket) as client, client.open("all") as session:
            for epoch in range(2):
                given += session.epoch(epoch).warnings
                assert sum(len(batch.ids) for batch in session.batches(epoch, how=Bytes.NONE)) == 400
    return given


def test_a_tight_limit_is_told_once_and_again_when_it_changes(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    stage.write("web", 400, shard_bytes=1 << 13)
    configuration = stage.configuration({"web": stage.remote("web")}, {"all": in_order("web", BATCH_SIZE)})
    least = largest_batch(stage)
    with caplog.at_level(logging.WARNING, "sluice"):
        for times, more in enumerate((1 << 10, least // 2), start=1):
            configuration["cache"]["limit"] = least + more
            if times == 1:
                stage.start(configuration)
            else:
                stage.save(configuration)
                assert run_sluice("reload", "--socket", str(stage.socket)).returncode == 0
            assert sum("cache.limit" in warning for warning in train(stage)) == 2, "each session can ask for them"
            assert caplog.text.count("cache.limit") == times
            assert stage.daemons[0].log_text().count("the cache is tight") == times
