"""Datasets that the trainer describes itself, as programs for the reference do: by https, through the real daemon."""

from __future__ import annotations

import io
import sys
import tarfile
from collections import Counter
from pathlib import Path

import pytest
import sluice

from testbed.daemon import program
from testbed.fixtures import Stage, authority, stage, trust

__all__ = ["authority", "stage", "trust"]

WEB, CODE = 120, 60


@pytest.fixture(autouse=True)
def needs_daemon() -> None:
    try:
        program("sluiced")
    except FileNotFoundError as error:
        pytest.skip(str(error))


@pytest.fixture
def permitting(stage: Stage) -> Stage:
    """A daemon with one registered stream that permits inline ones from its file server."""
    stage.write("web", WEB)
    stage.write("code", CODE)
    stage.write("deep/train", CODE)
    allow = {"allow": [f"{stage.server.url}/"]}
    stage.start(stage.configuration({"web": stage.remote("web")}, inline_datasets=allow))
    return stage


def test_streams_by_https(permitting: Stage) -> None:
    streams = [
        sluice.Stream(name="web", repeat=1),
        sluice.Stream(remote=f"{permitting.server.url}/code", repeat=2, validate_hash="sha256", download_retry=3),
    ]
    dataset = sluice.StreamingDataset(streams=streams, batch_size=8, shuffle=True, socket=permitting.socket)
    seen = Counter((sample["source"], sample["index"]) for sample in dataset)
    assert seen == Counter([("web", index) for index in range(WEB)] + [("code", index) for index in range(CODE)] * 2)
    assert [stream.choose for stream in streams] == [WEB, 2 * CODE]
    assert dataset.session.info.epoch_size == WEB + 2 * CODE


def test_one_stream_with_a_split_and_a_cache_directory(permitting: Stage, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="not used"):
        dataset = sluice.StreamingDataset(
            remote=f"{permitting.server.url}/deep",
            local=str(tmp_path / "cache"),
            split="train",
            batch_size=8,
            download_timeout=30,
            keep_zip=False,
            predownload=64,
            socket=permitting.socket,
        )
    assert [sample["index"] for sample in dataset] == list(range(CODE))
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"remote": "https://elsewhere.example/data"}, "not permitted"),
        ({"remote": "/data/web"}, "path"),
        ({"streams": [sluice.Stream(name="unknown")]}, "unknown"),
        ({"streams": [sluice.Stream(name="web")], "shuffle_algo": "odd"}, "shuffle_algo"),
    ],
)
def test_refusals_say_why(permitting: Stage, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(sluice.errors.BadSpecificationError, match=said):
        sluice.StreamingDataset(batch_size=8, socket=permitting.socket, **arguments)  # type: ignore[arg-type]


def test_overrides(permitting: Stage) -> None:
    dataset = sluice.StreamingDataset("all", batch_size=5, shuffle=False, socket=permitting.socket)
    assert [sample["index"] for sample in dataset] == list(range(WEB))
    assert dataset.batch_size == 5
    with pytest.raises(sluice.errors.BadSpecificationError, match="batch_size"):
        sluice.StreamingDataset("all", batch_size=2**40, socket=permitting.socket)
    with pytest.raises(sluice.errors.UnknownDatasetError, match="all"):
        sluice.StreamingDataset("al", socket=permitting.socket)


SYNTHETIC = {"shards": 3, "samples_per_shard": 20, "sample_bytes": 64, "columns": {"id": "int", "text": "str"}}


@pytest.fixture
def kinds(stage: Stage) -> Stage:
    """A daemon that permits inline streams of two kinds: one free in its keys, one with the operator's command."""
    example = Path(__file__).resolve().parents[3] / "config" / "examples" / "tar_stream.py"
    tar_keys = {"command": [sys.executable, str(example)]}
    allow = [
        {"kind": "synthetic", "client_keys": "all"},
        {"kind": "exec", "with": tar_keys, "client_keys": ["config"]},
    ]
    stage.write("web", 10)
    stage.start(stage.configuration({"web": stage.remote("web")}, inline_datasets={"allow": allow}))
    return stage


def test_a_kind_by_name_with_its_configuration(kinds: Stage) -> None:
    arguments = {"stream_name": "synthetic", "stream_config": SYNTHETIC, "batch_size": 8, "socket": kinds.socket}
    first = [dict(sample) for sample in sluice.StreamingDataset(**arguments)]
    assert len(first) == 60
    assert first == [dict(sample) for sample in sluice.StreamingDataset(**arguments)], "the seed decides"
    other = {**arguments, "stream_config": {**SYNTHETIC, "seed": 7}}
    assert first != [dict(sample) for sample in sluice.StreamingDataset(**other)]
    # The same of one stream among several.
    streams = [sluice.Stream(name="web"), sluice.Stream(kind="synthetic", config=SYNTHETIC)]
    mixed = sluice.StreamingDataset(streams=streams, batch_size=8, socket=kinds.socket)
    assert mixed.session.info.epoch_size == 70


def test_a_command_with_the_clients_configuration(kinds: Stage, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "one.tar", "w") as tar:
        for index in range(12):
            member = tarfile.TarInfo(f"{index:03}.txt")
            member.size = len(f"text {index}")
            tar.addfile(member, io.BytesIO(f"text {index}".encode()))
    config = {"directory": str(tmp_path), "columns": {"txt": "str"}}
    dataset = sluice.StreamingDataset(
        stream_name="exec", stream_config={"config": config}, batch_size=4, socket=kinds.socket
    )
    assert [sample["txt"] for sample in dataset] == [f"text {index}" for index in range(12)]


@pytest.mark.parametrize(
    ("name", "config", "said"),
    [
        ("synthetic", {"shards": 0}, "shards"),
        ("synthetic", {"sampels_per_shard": 3}, "samples_per_shard"),
        ("exec", {"command": ["/bin/sh"]}, "client_keys"),
        ("sinthetic", {}, "synthetic"),
        ("local", {}, "needs"),
    ],
)
def test_kinds_and_keys_that_are_refused(kinds: Stage, name: str, config: dict[str, object], said: str) -> None:
    with pytest.raises(sluice.errors.BadSpecificationError, match=said):
        sluice.StreamingDataset(stream_name=name, stream_config=config, batch_size=8, socket=kinds.socket)
