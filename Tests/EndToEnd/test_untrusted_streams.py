"""What indexes and shards may not say, through the real daemon: refused by stream, shard, field; the rest is served."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sluice

from EndToEnd import wire
from EndToEnd.wire import Connection, Refused
from testbed.fixtures import Stage, in_order
from testbed.mds import MDSWriter

# Shards of every stream here, samples of every shard; a batch is a shard.
SHARDS, SAMPLES = 3, 4
Record = dict[str, Any]


def write(directory: Path) -> Path:
    """Write a small stream without digests, so that nothing but the values can tell."""
    writer = MDSWriter(directory, {"index": "int", "text": "str"}, hashes=())
    for index in range(SHARDS * SAMPLES):
        writer.write({"index": index, "text": f"text {index}"})
        if index % SAMPLES == SAMPLES - 1:
            writer.flush()
    writer.finish()
    return directory


# --- indexes

INDEXES: dict[str, tuple[Callable[[Record], None], str]] = {
    "a negative count": (lambda shard: shard.update(samples=-1), "samples"),
    "a count beyond 32 bits": (lambda shard: shard.update(samples=1 << 32), "samples"),
    "more samples than bytes": (lambda shard: shard.update(samples=1 << 20), "samples"),
    "a size beyond 4 GiB": (lambda shard: shard["raw_data"].update(bytes=1 << 32), "raw_data.bytes"),
    "a size that overflows": (lambda shard: shard["raw_data"].update(bytes=1 << 63), "raw_data.bytes"),
    "a negative size": (lambda shard: shard["raw_data"].update(bytes=-1), "raw_data.bytes"),
    "a name that leaves": (lambda shard: shard["raw_data"].update(basename="../shard"), "raw_data.basename"),
    "a name that leaves inside": (lambda shard: shard["raw_data"].update(basename="a/../../b"), "raw_data.basename"),
    "an absolute name": (lambda shard: shard["raw_data"].update(basename="/etc/passwd"), "raw_data.basename"),
    "a name with NUL": (lambda shard: shard["raw_data"].update(basename="a\0b"), "raw_data.basename"),
    "an empty name": (lambda shard: shard["raw_data"].update(basename=""), "raw_data.basename"),
    "duplicate columns": (lambda shard: shard.update(column_names=["text", "text"]), "column_names"),
    "a column without encoding": (lambda shard: shard.update(column_encodings=["int"]), "column_encodings"),
    "an unknown compression": (lambda shard: shard.update(compression="lz4"), "compression"),
    "a digest that is none": (lambda shard: shard["raw_data"].update(hashes={"sha1": "xyz"}), "raw_data.hashes.sha1"),
    "an unknown format": (lambda shard: shard.update(format="parquet"), "format"),
}


def test_indexes_that_lie(stage: Stage) -> None:
    """One daemon, a stream for each lie, over https and in a directory: all are refused, and the good one is served."""
    streams: dict[str, dict[str, object]] = {"good": stage.remote("good")}
    write(stage.files / "good")
    lies = {f"lie{number}": lie for number, lie in enumerate(INDEXES.values())}
    for name, (bend, _) in lies.items():
        directory = write(stage.files / name)
        index = json.loads((directory / "index.json").read_text())
        bend(index["shards"][1])
        (directory / "index.json").write_text(json.dumps(index))
        streams[name] = stage.remote(name, download_retry=1)
        streams[f"{name}-local"] = {"local": str(directory)}
    text = (write(stage.files / "utf8") / "index.json").read_bytes()
    place = text.index(b"shard.00001")
    (stage.files / "utf8" / "index.json").write_bytes(text[:place] + b"\xff" + text[place:])
    streams["utf8"] = stage.remote("utf8", download_retry=1)
    lies["utf8"] = (lambda _: None, "raw_data.basename")
    stage.start(stage.configuration(streams, {name: in_order(name, SAMPLES) for name in streams}), degraded=True)
    with Connection(stage.socket) as client:
        for name in streams:
            if name == "good":
                continue
            with pytest.raises(Refused) as caught:
                client.ask(wire.OPEN, wire.open_dataset(name))
            field = lies[name.removesuffix("-local")][1]
            assert caught.value.code == wire.STREAM_UNAVAILABLE
            assert f'stream "{name}", index.json, shard 1, {field}: ' in caught.value.message, name
    with sluice.connect(stage.socket) as trainer, trainer.open("good") as session:
        assert sum(len(batch.samples()) for batch in session.batches(0)) == SHARDS * SAMPLES


# --- shards


def offsets_changed(position: int, change: Callable[[int], int]) -> Callable[[bytes], bytes]:
    """A shard one of whose first numbers (the count, then the offsets) is another."""

    def bend(shard: bytes) -> bytes:
        at = 4 * position
        (value,) = struct.unpack_from("<I", shard, at)
        return shard[:at] + struct.pack("<I", change(value) & 0xFFFFFFFF) + shard[at + 4 :]

    return bend


SHARD_LIES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "another count": (offsets_changed(0, lambda count: count + 1), "samples: the file has 5 where the index"),
    "a count of billions": (offsets_changed(0, lambda _: 0xFFFFFFFF), "samples: the file has 4294967295 where"),
    "a first offset in the head": (offsets_changed(1, lambda _: 8), "offsets[0]: 8 lies inside the file's head"),
    "offsets that run backwards": (offsets_changed(3, lambda _: 30), "offsets[2]: 30 is before the previous offset"),
    "an offset far outside": (offsets_changed(2, lambda _: 0xFFFFFFF0), "offsets[2]: "),
    "an end outside": (offsets_changed(5, lambda end: end + 1), "offsets[4]: the samples end at "),
    "an end before the end": (offsets_changed(5, lambda end: end - 1), "offsets[4]: the samples end at "),
    "an empty sample": (offsets_changed(2, lambda _: 0), ""),
    "bytes missing": (lambda shard: shard[:-1], "bytes"),
    "bytes too many": (lambda shard: shard + b"x", "bytes"),
    "nothing": (lambda _: b"", "bytes"),
}


def test_shards_that_lie(stage: Stage) -> None:
    """One daemon, a stream for each lie: the bad shard's batch is refused, those of its neighbours are served."""
    streams: dict[str, dict[str, object]] = {}
    clues: dict[str, str] = {}
    for number, (bend, clue) in enumerate(SHARD_LIES.values()):
        directory = write(stage.files / f"lie{number}")
        shard = directory / "shard.00001.mds"
        shard.write_bytes(bend(shard.read_bytes()))
        streams[f"lie{number}"] = stage.remote(f"lie{number}", download_retry=1)
        streams[f"lie{number}-local"] = {"local": str(directory)}
        clues[f"lie{number}"] = clues[f"lie{number}-local"] = clue
    stage.start(stage.configuration(streams, {name: in_order(name, SAMPLES) for name in streams}))
    with Connection(stage.socket) as client:
        for name in streams:
            refused = refusals(client, name)
            assert list(refused) == [1], f"{name}: only the second shard's batch is refused"
            assert refused[1].code in (wire.SHARD_CORRUPT, wire.SHARD_UNAVAILABLE), refused[1].message
            assert name in refused[1].message
            assert "shard.00001.mds" in refused[1].message
            assert clues[name] in refused[1].message


def refusals(client: Connection, dataset: str) -> dict[int, Refused]:
    """Ask for the bytes of every batch of an epoch; what is refused, by batch."""
    session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset(dataset))[:4])[0]
    client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))
    refused: dict[int, Refused] = {}
    for number in range(SHARDS):
        try:
            client.ask(wire.BATCH, wire.batch(session, 0, number, mode=1))
        except Refused as error:
            refused[number] = error
    client.ask(wire.CLOSE, struct.pack("<I", session))
    return refused


def test_links_in_a_directory(stage: Stage) -> None:
    """A link that stays inside is followed; one that leads out, or nowhere, takes its own shard down and no other."""
    secret = stage.directory / "secret"
    streams: dict[str, dict[str, object]] = {}
    outcomes: dict[str, str | None] = {}

    def link(name: str, target: Callable[[Path], str], outcome: str | None, **options: object) -> None:
        home = write(stage.directory / name)
        shard = home / "shard.00001.mds"
        if not secret.exists():
            secret.write_bytes(shard.read_bytes())
        (home / "kept").mkdir()
        shard.rename(home / "kept" / shard.name)
        shard.symlink_to(target(home))
        reached = stage.directory / f"{name}-reached"
        reached.symlink_to(home)  # the directory itself may be reached through a link
        streams[name] = {"local": str(reached), **options}
        outcomes[name] = outcome

    out = "a symbolic link leads out of"
    link("inside", lambda _: "kept/shard.00001.mds", None)
    link("inside-copied", lambda _: "kept/shard.00001.mds", None, **{"with": {"copy": True}})
    link("outside", lambda _: "../secret", out)
    link("absolute", lambda _: str(secret), out)
    link("absolute-inside", lambda home: str(home / "kept" / "shard.00001.mds"), out)
    link("outside-copied", lambda _: str(secret), out, **{"with": {"copy": True}})
    link("dangling", lambda _: "nothing", "No such file")
    link("a-directory", lambda _: "kept", "a directory, not a file")
    link("a-circle", lambda _: "shard.00001.mds", "symbolic links")
    stage.start(stage.configuration(streams, {name: in_order(name, SAMPLES) for name in streams}))
    with Connection(stage.socket) as client:
        for name, outcome in outcomes.items():
            refused = refusals(client, name)
            assert list(refused) == ([] if outcome is None else [1]), name
            if outcome is not None:
                message = refused[1].message
                assert f"stream {name}, shard shard.00001.mds" in message
                assert outcome in message, message


def test_links_to_directories_and_indexes(stage: Stage) -> None:
    elsewhere = write(stage.directory / "elsewhere")
    inside = write(stage.directory / "inside" / "real").parent
    (inside / "part").symlink_to("real")
    outside, found = stage.directory / "outside", stage.directory / "found"
    for home in (outside, found):
        home.mkdir()
        (home / "part").symlink_to(elsewhere)
    index = write(stage.directory / "index")
    (index / "index.json").rename(stage.directory / "index.json")
    (index / "index.json").symlink_to("../index.json")
    streams: dict[str, dict[str, object]] = {
        "inside": {"local": str(inside), "subdirectories": ["part"]},
        "outside": {"local": str(outside), "subdirectories": ["part"]},
        "found": {"local": str(found), "subdirectories": "discover"},
        "index": {"local": str(index)},
    }
    stage.start(stage.configuration(streams, {name: in_order(name, SAMPLES) for name in streams}), degraded=True)
    with Connection(stage.socket) as client:
        assert refusals(client, "inside") == {}
        for name, path in {"outside": "part/index.json", "found": "part", "index": "index.json"}.items():
            with pytest.raises(Refused) as caught:
                client.ask(wire.OPEN, wire.open_dataset(name))
            assert caught.value.code == wire.STREAM_UNAVAILABLE
            assert f"stream {name} " in caught.value.message
            assert f"/{path}: a symbolic link leads out of" in caught.value.message


# --- extremes that are allowed


def test_a_shard_of_almost_4_gib(stage: Stage) -> None:
    """The last sample of the largest shard there can be; the file is sparse."""
    home = write(stage.directory / "big")
    last = struct.pack("<I", 6) + struct.pack("<q", 42) + b"answer"
    head = 4 + 4 * 3
    end = (1 << 32) - 1
    with (home / "shard.00001.mds").open("wb") as shard:
        shard.write(struct.pack("<4I", 2, head, end - len(last), end))
        shard.truncate(end)
        shard.seek(end - len(last))
        shard.write(last)
    assert (home / "shard.00001.mds").stat().st_blocks * 512 < 1 << 20, "the file is sparse"
    index = json.loads((home / "index.json").read_text())
    index["shards"][1]["samples"] = 2
    index["shards"][1]["raw_data"]["bytes"] = end
    (home / "index.json").write_text(json.dumps(index))
    stage.start(stage.configuration({"big": {"local": str(home)}}, {"big": in_order("big", SAMPLES)}))
    dataset = sluice.StreamingDataset("big", socket=stage.socket)
    assert dataset[SAMPLES + 1] == {"index": 42, "text": "answer"}
    assert dataset[SAMPLES + 2]["index"] == 2 * SAMPLES


def test_empty_shards_and_an_empty_stream(stage: Stage) -> None:
    home = write(stage.files / "gaps")
    index = json.loads((home / "index.json").read_text())
    empty = json.loads(json.dumps(index["shards"][0]))
    empty["samples"] = 0
    empty["raw_data"] = {"basename": "empty.mds", "bytes": 8, "hashes": {}}
    (home / "empty.mds").write_bytes(struct.pack("<2I", 0, 8))
    index["shards"] = [empty, *index["shards"][:2], empty, empty, *index["shards"][2:], empty]
    (home / "index.json").write_text(json.dumps(index))
    nothing = write(stage.files / "nothing")
    (nothing / "index.json").write_text(json.dumps({"version": 2, "shards": []}))
    streams = {"gaps": stage.remote("gaps"), "nothing": stage.remote("nothing")}
    shuffled = {
        "gaps": in_order("gaps", SAMPLES),
        "mixed": in_order("gaps", SAMPLES) | {"shuffle": True},
        "nothing": in_order("nothing", SAMPLES),
    }
    stage.start(stage.configuration(streams, shuffled), degraded=True)
    with sluice.connect(stage.socket) as client:
        for name in ("gaps", "mixed"):
            with client.open(name) as session:
                found = [sample["index"] for batch in session.batches(0) for sample in batch.samples()]
                assert sorted(found) == list(range(SHARDS * SAMPLES))
    with Connection(stage.socket) as raw, pytest.raises(Refused, match=r"stream nothing .* no samples"):
        raw.ask(wire.OPEN, wire.open_dataset("nothing"))
