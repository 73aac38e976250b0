"""`StreamingDataset`: arguments, indexing, iteration, checkpoints."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from typing import Any

import numpy as np
import pytest
import sluice
from sluice import errors
from sluice.arguments import parse_epoch_size
from sluice.decoding import row_decoder

from PythonClientTests.dataset.training import Shouting, all_same, open_dataset, same
from PythonClientTests.fake.daemon import FakeDaemon


def expected_samples(daemon: FakeDaemon) -> list[dict[str, Any]]:
    return [row_decoder(daemon.schemas[schema])(memoryview(data)) for _, _, schema, data in daemon.samples]


def test_a_registered_dataset(daemon: FakeDaemon) -> None:
    dataset = open_dataset(daemon, batch_size=3, shuffle_seed=np.int64(5))
    assert json.loads(daemon.opens[0]["overrides"]) == {"batch_size": 3, "shuffle_seed": 5}
    count = len(daemon.samples)
    assert (len(dataset), dataset.size, dataset.epoch_size, dataset.batch_size) == (count, count, count, 3)
    assert dataset.samples_per_stream.tolist() == [count]
    assert [stream.choose for stream in dataset.streams] == [count]
    assert "rank 0 of 1" in repr(dataset)


def test_defaults_are_not_overrides(daemon: FakeDaemon) -> None:
    open_dataset(daemon)
    assert daemon.opens[0]["overrides"] == ""


def test_inline_streams(daemon: FakeDaemon) -> None:
    with pytest.warns(UserWarning, match="not used") as warned:
        dataset = sluice.StreamingDataset(
            streams=[sluice.Stream(remote="https://a/b", local="cache", proportion=0.5, keep_zip=True)],
            split="train",
            download_timeout=5,
            cache_limit="10gb",
            epoch_size="1.5k",
            batch_size=2,
            shuffle=True,
            socket=daemon.path,
        )
    assert {str(warning.message).split("=")[0] for warning in warned} == {"local", "cache_limit"}
    assert all(warning.filename == __file__ for warning in warned)
    opened = daemon.opens[0]
    assert opened["inline"]
    assert json.loads(opened["dataset"]) == {
        "streams": [
            {
                "remote": "https://a/b",
                "proportion": 0.5,
                "split": "train",
                "download_timeout": 5,
                "keep_zip": True,
            }
        ],
        "epoch_size": 1500,
        "batch_size": 2,
        "shuffle": True,
    }
    assert dataset.streams[0].choose == len(daemon.samples)
    assert dataset.streams[0].proportion == 0.5


def test_a_stream_can_be_used_twice(daemon: FakeDaemon) -> None:
    stream = sluice.Stream(name="web", repeat=2)
    for _ in range(2):
        sluice.StreamingDataset(streams=[stream], batch_size=2, socket=daemon.path)
    assert daemon.opens[0]["dataset"] == daemon.opens[1]["dataset"]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, ValueError, "none of them"),
        ({"remote": "https://a", "streams": [sluice.Stream(name="x")]}, ValueError, "one of"),
        ({"local": "/data/x"}, errors.SluiceError, "Register it"),
        ({"remote": "https://a", "sampling_method": "odd"}, ValueError, "sampling_method"),
        ({"remote": "https://a", "batching_method": "odd"}, ValueError, "batching_method"),
        ({"remote": "https://a", "sampling_granularity": 0}, ValueError, "sampling_granularity"),
        ({"remote": "https://a", "shuffle_seed": -1}, ValueError, "shuffle_seed"),
        ({"remote": "https://a", "batch_size": 2.5}, TypeError, "float"),
        ({"remote": "https://a", "epoch_size": "1e3"}, ValueError, "epoch_size"),
    ],
)
def test_bad_arguments(daemon: FakeDaemon, arguments: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        sluice.StreamingDataset(socket=daemon.path, **arguments)
    assert daemon.opens == []


def test_stream_arguments_do_not_belong_to_a_registered_dataset(daemon: FakeDaemon) -> None:
    with pytest.raises(ValueError, match="keep_zip belong to streams"):
        open_dataset(daemon, keep_zip=True)


def test_bad_streams() -> None:
    for arguments in (
        {"proportion": 1, "choose": 2},
        {"repeat": -1.0},
        {"download_timeout": 0},
        {"download_retry": -1},
        {"name": "a", "remote": "https://b"},
    ):
        with pytest.raises(ValueError, match=r"must|either|at most"):
            sluice.Stream(**arguments)


@pytest.mark.parametrize(
    ("value", "samples"),
    [(None, None), (0, None), ("0", None), (7, 7), (7.9, 7), ("12", 12), (" 1.5k ", 1500), ("2M", 2_000_000),
     ("3b", 3 * 10**9), (".5t", 5 * 10**11)],
)  # fmt: skip
def test_epoch_sizes(value: float | str | None, samples: int | None) -> None:
    assert parse_epoch_size(value) == samples


def test_indexing(daemon: FakeDaemon) -> None:
    dataset, samples = open_dataset(daemon), expected_samples(daemon)
    assert same(dataset[3], samples[3])
    assert same(dataset[-1], samples[-1])
    assert same(dataset[np.int64(2)], samples[2])
    assert all_same(dataset[2:40:5], samples[2:40:5])
    assert all_same(dataset[::-1][:3], samples[::-1][:3])
    assert all_same(dataset[[1, 4, -2]], [samples[1], samples[4], samples[-2]])
    assert all_same(dataset[np.array([[0, 1], [2, 3]])][1], samples[2:4])
    with pytest.raises(IndexError):
        dataset[len(samples)]
    with pytest.raises(TypeError):
        dataset["3"]  # type: ignore[index]
    # Several are one request: the samples of a slice, a list, a row of an array.
    assert sum(kind == 6 for kind, _ in daemon.requests) <= 9
    assert all_same(dataset[list(range(len(samples))) * 5], samples * 5)
    assert sum(kind == 6 for kind, _ in daemon.requests) <= 9 + 5 * len(samples) // 256 + 1


def test_iteration(daemon: FakeDaemon) -> None:
    dataset, samples = open_dataset(daemon), expected_samples(daemon)
    assert dataset.epoch == -1
    for epoch in range(2):
        assert all_same(list(dataset), samples)
        assert dataset.epoch == epoch
    # A new iteration ends the one before.
    first = iter(dataset)
    next(first)
    second = iter(dataset)
    assert list(first) == []
    assert len(list(second)) == len(samples)


def test_a_subclass_transforms_samples(daemon: FakeDaemon) -> None:
    dataset = Shouting("fixtures", socket=daemon.path)
    samples = expected_samples(daemon)
    before = sum(kind == 6 for kind, _ in daemon.requests)
    shouted = list(dataset)
    assert [sample["id"] for sample in shouted] == list(range(len(samples)))
    assert shouted[5]["text"] == str(samples[5]).upper()
    assert sum(kind == 6 for kind, _ in daemon.requests) == before


def test_without_a_batch_size(daemon: FakeDaemon) -> None:
    dataset = sluice.StreamingDataset(remote="https://a/b", socket=daemon.path)
    assert len(dataset) == len(daemon.samples)
    with pytest.raises(ValueError, match="batch_size is missing"):
        next(iter(dataset))


def test_state_of_a_fresh_run(daemon: FakeDaemon) -> None:
    dataset = open_dataset(daemon)
    state = dataset.state_dict(0)
    assert state["epoch"] == -1
    next(iter(dataset))
    assert dataset.state_dict(12) == {
        "epoch": 0,
        "sample_in_epoch": 12,
        "num_canonical_nodes": 1,
        "shuffle_seed": 9176,
        "initial_physical_nodes": 1,
        "fingerprint": "feed",
        "description": "made of fixtures",
    }


def test_resuming(daemon: FakeDaemon) -> None:
    dataset, samples = open_dataset(daemon), expected_samples(daemon)
    state = {"epoch": 2, "sample_in_epoch": 9, "num_canonical_nodes": 3, "shuffle_seed": 11}
    dataset.load_state_dict(state)
    assert dataset.state_dict(0)["sample_in_epoch"] == 9
    assert all_same(list(dataset), samples[9:])
    assert daemon.opens[-1]["resume"] == (2, 9, 3, 11, None)
    assert daemon.opens[1]["expected"] is None
    after = dataset.state_dict(4)
    assert (after["epoch"], after["sample_in_epoch"], after["num_canonical_nodes"]) == (2, 13, 3)
    assert dataset.state_dict(4, True)["sample_in_epoch"] == 4
    assert all_same(list(dataset), samples)
    later = dataset.state_dict(4)
    assert (later["epoch"], later["sample_in_epoch"], later["shuffle_seed"]) == (3, 4, 11)


def test_an_older_checkpoint_is_ignored_aloud(daemon: FakeDaemon, caplog: pytest.LogCaptureFixture) -> None:
    dataset = open_dataset(daemon)
    state = {"epoch": 0, "sample_in_epoch": 9, "num_canonical_nodes": 1, "shuffle_seed": 11}
    list(dataset)
    dataset.load_state_dict(state)
    with caplog.at_level(logging.WARNING, "sluice"):
        assert len(list(dataset)) == len(daemon.samples)
    assert "ignored" in caplog.text
    dataset.next_epoch = 0
    dataset.load_state_dict(state)
    assert len(list(dataset)) == len(daemon.samples) - 9


def test_other_data_than_the_checkpoint(daemon: FakeDaemon) -> None:
    dataset = open_dataset(daemon)
    next(iter(dataset))
    state = dataset.state_dict(4)
    daemon.fingerprint = "beef"
    changed = open_dataset(daemon)
    with pytest.raises(errors.FingerprintError, match="gained 3 shards"):
        changed.load_state_dict(state)
    changed.load_state_dict(state, accept_different=True)
    assert len(list(changed)) == len(daemon.samples) - 4
    assert changed.state_dict(0)["fingerprint"] == "beef"


def test_incomplete_checkpoints(daemon: FakeDaemon) -> None:
    with pytest.raises(KeyError, match="shuffle_seed"):
        open_dataset(daemon).load_state_dict({"epoch": 1, "sample_in_epoch": 1, "num_canonical_nodes": 1})


def test_pickles_and_copies(daemon: FakeDaemon) -> None:
    dataset, samples = open_dataset(daemon), expected_samples(daemon)
    dataset.next_epoch = 3
    for twin in (pickle.loads(pickle.dumps(dataset)), copy.deepcopy(dataset)):  # noqa: S301
        assert twin.next_epoch == 3
        assert all_same(list(twin), samples)
        assert twin.next_epoch == 4
    assert dataset.next_epoch == 3


def test_worlds(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"RANK": "5", "WORLD_SIZE": "8", "LOCAL_WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    assert open_dataset(daemon).world == sluice.World(2, 4, 5)
    assert daemon.opens[-1]["world"] == (2, 4, 1, 0, 0, 5)
    monkeypatch.delenv("LOCAL_WORLD_SIZE")
    with pytest.raises(errors.WorldError, match="LOCAL_WORLD_SIZE"):
        open_dataset(daemon)
    assert open_dataset(daemon, world=sluice.World(rank=0)).world.ranks == 1
    monkeypatch.setenv("RANK", "x")
    with pytest.raises(errors.WorldError, match="RANK"):
        open_dataset(daemon)
