"""Compressed remotes through the real daemon: what is kept, what is checked, and what never fits on a disk."""

from __future__ import annotations

import gzip
import json
import shutil
import struct
from pathlib import Path

import pytest
import sluice

from EndToEnd import wire
from EndToEnd.wire import Connection, Refused
from PythonClientTests.decoding.expectation import assert_row
from PythonClientTests.shards import read_expected
from testbed.fixtures import Stage, in_order

FIXTURES = Path(__file__).resolve().parents[1] / "Fixtures" / "datasets"
COMPRESSED = ["jsonl_zstd", "mds_br", "mds_bz2", "mds_gz", "mds_snappy", "mds_zstd", "tsv_gz"]


def test_every_compression_by_https_and_what_is_kept(stage: Stage) -> None:
    streams: dict[str, dict[str, object]] = {}
    for name in COMPRESSED:
        shutil.copytree(FIXTURES / name, stage.files / name)
        streams[name] = stage.remote(name, keep_zip=name == "mds_zstd")
    stage.start(stage.configuration(streams, {name: in_order(name) for name in streams}))
    with sluice.connect(stage.socket) as client:
        for name in streams:
            with client.open(name) as session:
                samples = [sample for batch in session.batches(0) for sample in batch.samples()]
            for sample, line in zip(samples, read_expected(FIXTURES / name), strict=True):
                assert_row(sample, line)
    shards = stage.directory / "cache" / "shards"
    zips = {path.relative_to(shards).parts[0] for path in shards.rglob("*.zip")}
    raws = {path.relative_to(shards).parts[0] for path in shards.rglob("data")}
    assert len(raws) == len(COMPRESSED)
    assert len(zips) == 1, "only the stream that asks for it keeps its compressed files"
    asked = [exchange.path for exchange in stage.server.exchanges]
    assert len(asked) == len(set(asked)), "each file is fetched once"


def refusal(stage: Stage, dataset: str) -> Refused:
    """The error that an epoch's first batch is answered with."""
    with Connection(stage.socket) as client:
        session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset(dataset))[:4])[0]
        client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))
        with pytest.raises(Refused) as caught:
            client.ask(wire.BATCH, wire.batch(session, 0, 0, mode=1))
    return caught.value


def test_a_digest_that_is_wanted_and_not_there(stage: Stage) -> None:
    shutil.copytree(FIXTURES / "mds_zstd", stage.files / "data")
    index = json.loads((stage.files / "data" / "index.json").read_text())
    has = sorted(index["shards"][0]["zip_data"]["hashes"])
    streams = {"data": stage.remote("data", validate_hash="sha3_512", download_retry=2)}
    stage.start(stage.configuration(streams, {"data": in_order("data")}))
    refused = refusal(stage, "data")
    assert "sha3_512" not in has
    assert "stream data, shard shard.00000.mds" in refused.message
    assert "sha3_512" in refused.message
    assert all(name in refused.message for name in has), "it says which digests there are"
    assert refused.retry == 0, "trying again does not help"


def test_a_bomb_stops_at_what_the_index_promises(stage: Stage) -> None:
    """A few hundred kilobytes that would become 256 MB; the cache's limit is 64."""
    home = stage.write("bomb", 20)
    index = json.loads((home / "index.json").read_text())
    shard = index["shards"][0]
    raw = home / shard["raw_data"]["basename"]
    bomb = gzip.compress(raw.read_bytes() + bytes(256 << 20), 9)
    (home / f"{raw.name}.gz").write_bytes(bomb)
    shard["compression"] = "gz:9"
    shard["zip_data"] = {"basename": f"{raw.name}.gz", "bytes": len(bomb), "hashes": {}}
    raw.unlink()
    (home / "index.json").write_text(json.dumps(index))
    stage.start(stage.configuration({"bomb": stage.remote("bomb", download_retry=1)}, {"bomb": in_order("bomb")}))
    refused = refusal(stage, "bomb")
    assert refused.code == wire.SHARD_CORRUPT
    assert f"stream bomb, shard {raw.name}" in refused.message
    assert str(shard["raw_data"]["bytes"]) in refused.message
    left = sum(path.stat().st_size for path in (stage.directory / "cache").rglob("*") if path.is_file())
    assert left < 1 << 20
