"""Streams of subdirectories, and datasets of streams that differ in format and columns: daemon and client together."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import sluice

from EndToEnd import wire
from EndToEnd.wire import Connection, Refused
from PythonClientTests.decoding.expectation import assert_row
from PythonClientTests.shards import read_expected
from testbed.fixtures import Stage, in_order
from testbed.object_stores import object_store

FIXTURES = Path(__file__).resolve().parents[1] / "Fixtures" / "datasets"
PARTS = ["part0", "part1", "part2"]


def copy_without_the_merged_index(target: Path) -> Path:
    """Copy the reference's merged dataset; its subdirectories keep their own indexes."""
    shutil.copytree(FIXTURES / "mds_merged", target)
    (target / "index.json").unlink()
    (target / "expected.jsonl").unlink()
    return target


def read(stage: Stage, dataset: str) -> list[dict[str, Any]]:
    """Every sample of an epoch, decoded."""
    with sluice.connect(stage.socket) as client, client.open(dataset) as session:
        return [sample for batch in session.batches(0) for sample in batch.samples()]


def assert_samples(samples: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    assert len(samples) == len(expected)
    for sample, line in zip(samples, expected, strict=True):
        assert_row(sample, line)


def test_merged_listed_and_found_are_the_same_stream(stage: Stage) -> None:
    shutil.copytree(FIXTURES / "mds_merged", stage.files / "merged")
    parted = copy_without_the_merged_index(stage.files / "parted")
    found = copy_without_the_merged_index(stage.directory / "found")
    streams: dict[str, dict[str, object]] = {
        "merged": stage.remote("merged"),
        "listed": stage.remote("parted", subdirectories=PARTS),
        "backwards": stage.remote("parted", subdirectories=PARTS[::-1]),
        "local_listed": {"local": str(parted), "subdirectories": PARTS},
        "local_found": {"local": str(found), "subdirectories": "discover"},
        "one_part": stage.remote("merged/part1"),
        "split": stage.remote("merged", split="part1"),
    }
    stage.start(stage.configuration(streams, {name: in_order(name) for name in streams}))
    expected = read_expected(FIXTURES / "mds_merged")
    for name in ("merged", "listed", "local_listed", "local_found"):
        assert_samples(read(stage, name), expected)
    parts = [json.loads((parted / part / "index.json").read_text())["shards"] for part in PARTS]
    counts = [sum(shard["samples"] for shard in shards) for shards in parts]
    first, second = counts[0], counts[0] + counts[1]
    assert sum(counts) == len(expected)
    assert_samples(read(stage, "backwards"), expected[second:] + expected[first:second] + expected[:first])
    for name in ("one_part", "split"):
        assert_samples(read(stage, name), expected[first:second])


def test_found_by_listing_a_bucket(stage: Stage) -> None:
    pytest.importorskip("moto.server", reason="moto's S3 server is not installed")
    with object_store("s3", copy_without_the_merged_index(stage.directory / "parted")) as server:
        stream = {
            "remote": "s3://streams/dataset",
            "with": {"endpoint": f"http://127.0.0.1:{server['port']}", "region": "us-east-1"},
            "credentials": {"environment": True},
            "subdirectories": "discover",
        }
        keys = {
            "AWS_ACCESS_KEY_ID": server["user"]["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": server["user"]["SecretAccessKey"],
        }
        stage.start(stage.configuration({"parts": stream}, {"parts": in_order("parts")}), environment=keys)
        assert_samples(read(stage, "parts"), read_expected(FIXTURES / "mds_merged"))


def test_what_cannot_be_listed_says_so(stage: Stage) -> None:
    copy_without_the_merged_index(stage.files / "parted")
    stage.write("good", 50)
    streams = {"good": stage.remote("good"), "parts": stage.remote("parted", subdirectories="discover")}
    stage.start(stage.configuration(streams, {name: in_order(name) for name in streams}), degraded=True)
    with Connection(stage.socket) as client:
        with pytest.raises(Refused) as caught:
            client.ask(wire.OPEN, wire.open_dataset("parts"))
        assert "parts" in caught.value.message
        assert "cannot be listed: name the subdirectories" in caught.value.message
        client.ask(wire.OPEN, wire.open_dataset("good"))


def test_streams_of_different_schemas_in_one_dataset(stage: Stage) -> None:
    names = ["csv", "jsonl_zstd", "mds_gz", "tsv_gz"]
    for name in names:
        shutil.copytree(FIXTURES / name, stage.files / name)
    mixed = {"streams": [{"stream": name} for name in names], "batch_size": 16, "shuffle": True}
    by_stream = mixed | {"batching_method": "per_stream", "batch_size": 4}
    stage.start(
        stage.configuration({name: stage.remote(name) for name in names}, {"mixed": mixed, "by_stream": by_stream})
    )
    expected = [read_expected(FIXTURES / name) for name in names]
    starts = [sum(len(lines) for lines in expected[:index]) for index in range(len(names))]
    with sluice.connect(stage.socket) as client, client.open("mixed") as session:
        kinds: set[tuple[int, ...]] = set()
        seen: list[int] = []
        for batch in session.batches(0):
            kinds.add(tuple(sorted(set(batch.streams.tolist()))))
            for sample, stream, number in zip(batch.samples(), batch.streams, batch.ids, strict=True):
                assert_row(sample, expected[stream][number - starts[stream]])
                seen.append(int(number))
    assert sorted(seen) == list(range(sum(len(lines) for lines in expected)))
    assert any(len(kind) > 1 for kind in kinds), "schemas meet in a batch"
    with sluice.connect(stage.socket) as client, client.open("by_stream") as session:
        for batch in session.batches(0):
            (stream,) = set(batch.streams.tolist())
            columns = batch.columns()
            assert set(columns) == set(expected[stream][0])
            assert all(len(column) == len(batch) for column in columns.values())


def test_columns_of_different_names_in_one_batch_say_so(stage: Stage) -> None:
    shutil.copytree(FIXTURES / "csv", stage.files / "csv")
    stage.write("web", 50)
    streams = {name: stage.remote(name) for name in ("csv", "web")}
    stage.start(stage.configuration(streams))
    with sluice.connect(stage.socket) as client, client.open("all") as session:
        batches = list(session.batches(0))
        mixed = [batch for batch in batches if len(set(batch.streams.tolist())) == 2]
        assert mixed
        with pytest.raises(sluice.SluiceError, match="make no common columns"):
            mixed[0].columns()
        assert len(mixed[0].samples()) == len(mixed[0])
