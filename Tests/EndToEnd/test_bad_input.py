"""Bad streams and bad requests: a clear error, naming what and where, to the one who asked; the daemon serves on."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from EndToEnd import wire
from EndToEnd.wire import Connection, Refused
from testbed.daemon import health
from testbed.file_server import Fault
from testbed.fixtures import Stage

# Few tries, soon: what fails for good need not be waited for.
IMPATIENT = {"download_retry": 2, "download_timeout": 5}


def refusal_of_opening(stage: Stage, dataset: str) -> Refused:
    """Open a dataset that cannot be opened."""
    with Connection(stage.socket) as client, pytest.raises(Refused) as caught:
        client.ask(wire.OPEN, wire.open_dataset(dataset))
    return caught.value


def each_alone(*names: str) -> dict[str, object]:
    """A dataset for each stream, named as the stream."""
    return {name: {"streams": [{"stream": name}], "batch_size": 4, "shuffle": False} for name in names}


def start_with_a_bad_stream(stage: Stage, **bad: object) -> None:
    """Start a daemon with the stream `good` and the stream `bad`, which cannot be loaded; `good` must be served."""
    stage.write("good", 50)
    streams = {"good": stage.remote("good"), "bad": {**IMPATIENT, **bad}}
    stage.start(stage.configuration(streams, each_alone("good", "bad")), degraded=True)
    with Connection(stage.socket) as client:
        client.ask(wire.OPEN, wire.open_dataset("good"))


def test_a_remote_that_is_down(stage: Stage) -> None:
    port = 1  # nobody listens there: connections are refused at once
    start_with_a_bad_stream(stage, remote=f"https://localhost:{port}/bad")
    refused = refusal_of_opening(stage, "bad")
    assert refused.code == wire.STREAM_UNAVAILABLE
    assert refused.retry in (1, 2)
    assert "bad" in refused.message
    assert f"localhost:{port}" in refused.message
    with Connection(stage.socket) as client:
        client.ask(wire.OPEN, wire.open_dataset("good"))


@pytest.mark.parametrize(
    ("index", "clue"),
    [
        pytest.param(b"<html>not found</html>", "JSON", id="not JSON"),
        pytest.param(b"", "", id="empty"),
        pytest.param(json.dumps({"version": 3, "shards": []}).encode(), "version", id="version 3"),
        pytest.param(json.dumps({"version": 2}).encode(), "shards", id="no shards"),
        pytest.param(json.dumps([1, 2]).encode(), "", id="a list"),
    ],
)
def test_an_index_that_is_none(stage: Stage, index: bytes, clue: str) -> None:
    (stage.files / "bad").mkdir()
    (stage.files / "bad" / "index.json").write_bytes(index)
    start_with_a_bad_stream(stage, **stage.remote("bad"))
    refused = refusal_of_opening(stage, "bad")
    assert refused.code == wire.STREAM_UNAVAILABLE
    assert "bad" in refused.message
    assert "index.json" in refused.message
    assert clue in refused.message


def test_an_index_that_is_missing(stage: Stage) -> None:
    start_with_a_bad_stream(stage, **stage.remote("bad"))
    refused = refusal_of_opening(stage, "bad")
    assert refused.code == wire.STREAM_UNAVAILABLE
    assert "404" in refused.message or "not found" in refused.message.lower()


def change_size(path: Path, by: int) -> None:
    data = path.read_bytes()
    path.write_bytes(data + b"x" * by if by > 0 else data[:by])


@pytest.mark.parametrize("by", [-1, 1, -4000], ids=["a byte short", "a byte long", "much short"])
def test_a_shard_whose_size_differs_from_its_index(stage: Stage, by: int) -> None:
    directory = stage.write("web", 120)
    shard = directory / "shard.00001.mds"
    change_size(shard, by)
    # The waits between attempts are of no interest here.
    soon = {"retry_seconds": 0.05, "retry_maximum_seconds": 0.05}
    stage.start(stage.configuration({"web": stage.remote("web", **IMPATIENT)}, each_alone("web"), transfer=soon))
    with Connection(stage.socket) as client:
        session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset("web"))[:4])[0]
        batches = struct.unpack("<qqI", client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))[:20])[2]
        refused, served = [], 0
        for number in range(batches):
            try:
                client.ask(wire.BATCH, wire.batch(session, 0, number, mode=1))
                served += 1
            except Refused as error:
                refused.append(error)
        assert refused
        assert served, "the other shards' batches are served all the same"
        for fault in refused:
            assert fault.code in (wire.SHARD_UNAVAILABLE, wire.SHARD_CORRUPT)
            assert shard.name in fault.message
            assert "web" in fault.message
    assert health(stage.socket).returncode in (0, 3), "one bad shard degrades, it does not kill"


def test_a_shard_that_is_mended_is_served(stage: Stage) -> None:
    stage.write("web", 60)
    stage.server.fail("web/shard.00000.mds", Fault(body=b"not the shard", times=1))
    stage.start(stage.configuration({"web": stage.remote("web", download_retry=4)}, each_alone("web")))
    with Connection(stage.socket) as client:
        session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset("web"))[:4])[0]
        client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))
        client.ask(wire.BATCH, wire.batch(session, 0, 0, mode=1))
    assert stage.server.requests_of("web/shard.00000.mds") >= 2


@pytest.mark.parametrize(
    ("world", "code", "clue"),
    [
        pytest.param({"nodes": 1, "ranks": 2, "rank": 2}, wire.BAD_RANK, "2", id="rank outside"),
        pytest.param({"nodes": 2, "ranks": 2, "rank": 99}, wire.BAD_RANK, "99", id="rank far outside"),
        pytest.param({"nodes": 0, "ranks": 1, "rank": 0}, wire.BAD_WORLD, "nodes", id="no node"),
        pytest.param({"nodes": 1, "ranks": 0, "rank": 0}, wire.BAD_WORLD, "rank", id="no rank"),
        pytest.param({"nodes": 4_000_000_000, "ranks": 8, "rank": 0}, wire.BAD_WORLD, "nodes", id="absurd"),
    ],
)
def test_worlds_that_cannot_be(stage: Stage, world: dict[str, int], code: int, clue: str) -> None:
    stage.write("web", 60)
    stage.start(stage.configuration({"web": stage.remote("web")}))
    with Connection(stage.socket) as client:
        with pytest.raises(Refused) as caught:
            client.ask(wire.OPEN, wire.open_dataset("all", **world))
        assert caught.value.code == code
        assert caught.value.retry == 0
        assert clue in caught.value.message
        client.ask(wire.OPEN, wire.open_dataset("all"))


def test_past_the_end_and_unknown_names(stage: Stage) -> None:
    stage.write("web", 60)
    stage.start(stage.configuration({"web": stage.remote("web")}))
    with Connection(stage.socket) as client:
        session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset("all"))[:4])[0]
        batches = struct.unpack("<qqI", client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))[:20])[2]
        with pytest.raises(Refused) as past:
            client.ask(wire.BATCH, wire.batch(session, 0, batches, mode=1))
        assert past.value.code == wire.PAST_END
        assert str(batches) in past.value.message
        with pytest.raises(Refused) as stranger:
            client.ask(wire.BATCH, wire.batch(session + 7, 0, 0))
        assert stranger.value.code == wire.UNKNOWN_SESSION
        with pytest.raises(Refused) as nameless:
            client.ask(wire.OPEN, wire.open_dataset("al"))
        assert nameless.value.code == wire.UNKNOWN_DATASET
        assert "all" in nameless.value.message, "the message says which names there are"
        client.ask(wire.BATCH, wire.batch(session, 0, batches - 1, mode=1))
