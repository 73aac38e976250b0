"""Every argument and attribute of the reference: taken and passed on, warned about, or refused with a reason."""

from __future__ import annotations

import inspect
import json
import pickle
import struct
import tempfile
from pathlib import Path
from typing import Any

import pytest
import sluice
from sluice.decoding import Column, Schema, ShardFormat

from PythonClientTests.dataset.training import keep, open_dataset
from PythonClientTests.fake.daemon import FakeDaemon

OF_A_STREAM: dict[str, tuple[Any, dict[str, Any]]] = {
    "remote": ("https://a/b", {"remote": "https://a/b"}),
    "split": ("train", {"split": "train"}),
    "proportion": (0.5, {"proportion": 0.5}),
    "repeat": (1.5, {"repeat": 1.5}),
    "choose": (7, {"choose": 7}),
    "download_retry": (5, {"download_retry": 5}),
    "download_timeout": (9.5, {"download_timeout": 9.5}),
    "validate_hash": ("sha1", {"validate_hash": "sha1"}),
    "keep_zip": (True, {"keep_zip": True}),
}
"""A value for each argument of the reference's Stream, and the keys of the daemon's document that it becomes."""

OF_A_DATASET: dict[str, tuple[Any, dict[str, Any]]] = {
    "epoch_size": ("2k", {"epoch_size": 2000}),
    "predownload": (64, {"predownload": 64}),
    "sampling_method": ("fixed", {"sampling_method": "fixed"}),
    "sampling_granularity": (3, {"sampling_granularity": 3}),
    "partition_algo": ("orig", {"partition_algo": "orig"}),
    "num_canonical_nodes": (4, {"num_canonical_nodes": 4}),
    "batch_size": (6, {"batch_size": 6}),
    "shuffle": (True, {"shuffle": True}),
    "shuffle_algo": ("py1s", {"shuffle_algo": "py1s"}),
    "shuffle_seed": (1, {"shuffle_seed": 1}),
    "shuffle_block_size": (99, {"shuffle_block_size": 99}),
    "batching_method": ("stratified", {"batching_method": "stratified"}),
    "replication": (2, {"replication": 2}),
}

TESTED_APART = {
    "Stream": {"local"},
    "StreamingDataset": {"streams", "local", "cache_limit", "allow_unsafe_types", "stream_name", "stream_config"},
}


def parameters(kind: type) -> dict[str, inspect.Parameter]:
    found = dict(inspect.signature(kind).parameters)
    return {name: it for name, it in found.items() if it.kind not in (it.VAR_POSITIONAL, it.VAR_KEYWORD)}


@pytest.mark.parametrize("name", ["Stream", "StreamingDataset"])
def test_every_argument_of_the_reference_is_taken(name: str) -> None:
    streaming = pytest.importorskip("streaming", reason="mosaicml-streaming is not installed")
    theirs, ours = parameters(getattr(streaming, name)), parameters(getattr(sluice, name))
    assert set(theirs) <= set(ours)
    assert all(ours[argument].kind == ours[argument].KEYWORD_ONLY for argument in theirs)
    # Whatever the reference takes is in one of the tables below, or has a test of its own.
    tables = set(OF_A_STREAM) | (set(OF_A_DATASET) if name == "StreamingDataset" else set())
    weights = {"proportion", "repeat", "choose"}
    assert set(theirs) == (tables | TESTED_APART[name]) - (weights if name == "StreamingDataset" else set())


def test_the_loader_takes_what_the_reference_s_takes() -> None:
    streaming = pytest.importorskip("streaming", reason="mosaicml-streaming is not installed")
    theirs, ours = (inspect.signature(module.StreamingDataLoader.__init__) for module in (streaming, sluice))
    kinds = {theirs.parameters[name].kind for name in ("args", "kwargs")}
    assert kinds == {ours.parameters[name].kind for name in ("args", "kwargs")}
    public = {name for name in vars(streaming.StreamingDataLoader) if not name.startswith("_")}
    assert public <= set(vars(sluice.StreamingDataLoader))


def document(daemon: FakeDaemon) -> dict[str, Any]:
    opened = daemon.opens[-1]
    found: dict[str, Any] = json.loads(opened["dataset"] if opened["inline"] else opened["overrides"])
    return found


@pytest.mark.parametrize("argument", sorted(OF_A_STREAM))
def test_a_stream_s_argument_reaches_the_daemon(daemon: FakeDaemon, argument: str) -> None:
    value, expected = OF_A_STREAM[argument]
    stream = sluice.Stream(**{"remote": "https://x/y", argument: value})
    assert getattr(stream, argument) == value
    sluice.StreamingDataset(streams=[stream], socket=daemon.path)
    assert document(daemon)["streams"] == [{"remote": "https://x/y"} | expected]
    if argument in ("proportion", "repeat", "choose"):
        return
    # As an argument of the dataset it is that of its only stream.
    sluice.StreamingDataset(**{"remote": "https://x/y", argument: value}, socket=daemon.path)
    assert document(daemon)["streams"] == [{"remote": "https://x/y"} | expected]


@pytest.mark.parametrize("argument", sorted(OF_A_DATASET))
def test_a_dataset_s_argument_reaches_the_daemon(daemon: FakeDaemon, argument: str) -> None:
    value, expected = OF_A_DATASET[argument]
    given: dict[str, Any] = {argument: value}
    inline = sluice.StreamingDataset(remote="https://x/y", socket=daemon.path, **given)
    assert document(daemon) == {"streams": [{"remote": "https://x/y"}]} | expected
    sluice.StreamingDataset("fixtures", socket=daemon.path, **given)
    assert document(daemon) == expected
    if argument not in ("epoch_size", "num_canonical_nodes", "replication"):  # The fake daemon has its own of these.
        assert getattr(inline, argument) == value


def test_the_kind_of_the_only_stream(daemon: FakeDaemon) -> None:
    sluice.StreamingDataset(stream_name="synthetic", stream_config={"rows": 3}, socket=daemon.path, remote="a://b")
    assert document(daemon)["streams"] == [{"remote": "a://b", "kind": "synthetic", "with": {"rows": 3}}]
    sluice.StreamingDataset(stream_name="stream", remote="https://x/y", socket=daemon.path)
    assert document(daemon)["streams"] == [{"remote": "https://x/y"}]


@pytest.mark.parametrize("argument", ["local", "cache_limit"])
def test_what_the_daemon_owns_is_warned_about(daemon: FakeDaemon, argument: str) -> None:
    with pytest.warns(UserWarning, match=f"{argument}='x' is not used"):
        sluice.StreamingDataset(**{"remote": "https://x/y", argument: "x"}, socket=daemon.path)


def test_local_and_cache_limit_with_a_registered_dataset(daemon: FakeDaemon) -> None:
    with pytest.warns(UserWarning, match="cache_limit=5 is not used"):
        open_dataset(daemon, cache_limit=5)
    with pytest.raises(ValueError, match="one of"):
        open_dataset(daemon, local="/data")


def test_unsafe_types_need_permission(tmp_path: Path) -> None:
    schema = Schema(ShardFormat.MDS, (Column("value", "pkl", None),))
    row = pickle.dumps({"a": 1})
    with FakeDaemon(tmp_path / "s.sock", [(schema, [struct.pack("<I", len(row)) + row])]) as daemon:
        with pytest.raises(sluice.errors.UnsafeTypeError):
            open_dataset(daemon)
        assert open_dataset(daemon, allow_unsafe_types=True)[0] == {"value": {"a": 1}}


READ = (
    "allow_unsafe_types", "batch_size", "batching_method", "epoch_size", "initial_physical_nodes", "length",
    "next_epoch", "num_canonical_nodes", "num_samples", "num_shards", "num_streams", "partition_algo", "predownload",
    "replication", "sample_offset_per_stream", "samples_per_stream", "sampling_granularity", "sampling_method",
    "shards_per_stream", "shuffle", "shuffle_algo", "shuffle_block_size", "shuffle_seed", "size", "streams",
)  # fmt: skip
ELSEWHERE = (
    "cache_limit", "cache_usage", "evict_coldest_shard", "evict_shard", "prepare_shard", "resample_streams",
    "sample_offset_per_shard", "samples_per_shard", "shards", "spanner", "stream_per_shard",
)  # fmt: skip
INSIDE = {"on_exception", "epoch_seed_change", "shard_offset_per_stream"}
"""Of the reference's public names those that only its own threads and workers use."""


def test_attributes(daemon: FakeDaemon) -> None:
    dataset = open_dataset(daemon)
    count = len(daemon.samples)
    found = {name: getattr(dataset, name) for name in READ}
    assert (found["size"], found["num_samples"], found["length"], found["epoch_size"]) == (count,) * 4
    assert (found["num_streams"], found["num_shards"], found["next_epoch"]) == (1, len(daemon.shards), 0)
    assert found["shards_per_stream"].tolist() == [len(daemon.shards)]
    assert (found["shuffle"], found["shuffle_algo"], found["shuffle_block_size"]) == (False, "py1e", None)
    assert (found["sampling_method"], found["sampling_granularity"], found["predownload"]) == ("balanced", 1, None)
    for name in ELSEWHERE:
        assert not hasattr(dataset, name)
        with pytest.raises(AttributeError, match=f"has no {name}, which the reference's has: .*(daemon|machine)"):
            getattr(dataset, name)
    with pytest.raises(AttributeError, match=r"has no nonsense$"):
        dataset.nonsense  # noqa: B018


def test_every_attribute_of_the_reference_is_known(
    tmp_path: Path, fixtures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reference's own dataset is made, and its public names are those of the lists above."""
    streaming = pytest.importorskip("streaming", reason="mosaicml-streaming is not installed")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    theirs = streaming.StreamingDataset(local=str(fixtures / "datasets" / "mds_plain"), batch_size=4)
    public = {name for name in dir(theirs) if not name.startswith("_")}
    public -= set(dir(__import__("torch").utils.data.IterableDataset))
    methods = {name for name in public if callable(getattr(theirs, name)) and name not in ELSEWHERE}
    assert public - methods - INSIDE == set(READ) | (set(ELSEWHERE) & public)
    for name in methods - INSIDE:
        ours = inspect.signature(getattr(sluice.StreamingDataset, name)).parameters
        assert list(inspect.signature(getattr(streaming.StreamingDataset, name)).parameters) == [
            argument for argument in ours if argument not in ("accept_different",)
        ]


def test_names_that_are_elsewhere() -> None:
    streaming = pytest.importorskip("streaming", reason="mosaicml-streaming is not installed")
    from sluice.elsewhere import ELSEWHERE

    assert set(streaming.__all__) <= set(sluice.__all__) | set(ELSEWHERE)
    for name in ELSEWHERE:
        with pytest.raises(ImportError, match=f"sluice has no {name}: ."):
            getattr(sluice, name)
    with pytest.raises(ImportError, match="sluice pack"):
        from sluice import MDSWriter  # noqa: F401
    sluice.clean_stale_shared_memory()


def test_a_batch_size_is_counted_as_the_reference_counts(daemon: FakeDaemon) -> None:
    """By the first value of a mapping, a tensor's length, or the first of several inputs."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    for collate in (
        lambda samples: {"x": torch.zeros(len(samples), 2)},
        lambda samples: torch.zeros(len(samples), 2),
        lambda samples: (torch.zeros(len(samples)), torch.zeros(3)),
        keep,
    ):
        loader = sluice.StreamingDataLoader(open_dataset(daemon), batch_size=4, collate_fn=collate)
        next(iter(loader))
        assert loader.num_samples_yielded == 4
