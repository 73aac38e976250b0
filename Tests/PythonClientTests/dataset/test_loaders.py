"""The loaders: workers, forks and spawns, checkpoints at any moment, the fast path."""

from __future__ import annotations

import contextlib
import gc
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sluice
from sluice import errors

from PythonClientTests.dataset.training import all_same, keep, open_dataset
from PythonClientTests.fake.daemon import FakeDaemon
from PythonClientTests.fake.script import RefusalError

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


def ids(batches: list[list[dict[str, Any]]], daemon: FakeDaemon) -> list[int]:
    """The samples' ids, found by their contents."""
    dataset = open_dataset(daemon)
    whole = {str(sample): index for index, sample in enumerate(dataset[:])}
    return [whole[str(sample)] for batch in batches for sample in batch]


def loader(daemon: FakeDaemon, workers: int, **arguments: Any) -> sluice.StreamingDataLoader:
    dataset = arguments.pop("dataset", None) or open_dataset(daemon)
    return sluice.StreamingDataLoader(dataset, batch_size=4, num_workers=workers, collate_fn=keep, **arguments)


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_the_order_does_not_depend_on_workers(daemon: FakeDaemon, workers: int) -> None:
    batches = loader(daemon, workers)
    for epoch in range(2):
        assert ids(list(batches), daemon) == list(range(len(daemon.samples)))
        dataset = batches.dataset
        assert isinstance(dataset, sluice.StreamingDataset)
        assert dataset.epoch == epoch


@pytest.mark.parametrize(
    ("context", "persistent"), [("fork", False), ("fork", True), ("spawn", False), ("forkserver", True)]
)
def test_worker_processes(daemon: FakeDaemon, context: str, persistent: bool) -> None:
    batches = loader(daemon, 2, multiprocessing_context=context, persistent_workers=persistent)
    dataset = batches.dataset
    assert isinstance(dataset, sluice.StreamingDataset)
    for epoch in range(2):
        assert ids(list(batches), daemon) == list(range(len(daemon.samples)))
        assert dataset.epoch == epoch
    workers = {tuple(opened["world"][:3]) for opened in daemon.opens}
    assert workers == {(1, 1, 1), (1, 1, 2)}


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("persistent", [False, True])
def test_the_same_seed_before_every_epoch(daemon: FakeDaemon, workers: int, persistent: bool) -> None:
    """The workers of an iteration know each other by the loader's seed, which a program may repeat."""
    batches = loader(daemon, workers, persistent_workers=persistent and workers > 0)
    dataset = batches.dataset
    assert isinstance(dataset, sluice.StreamingDataset)
    for epoch in range(3):
        torch.manual_seed(7)
        for _ in batches:
            break
        assert dataset.epoch == epoch


@pytest.mark.parametrize("workers", [0, 1, 3])
@pytest.mark.parametrize("stop", [1, 5])
def test_checkpoints_mean_what_was_received(daemon: FakeDaemon, workers: int, stop: int) -> None:
    """Workers have loaded ahead; the state counts what the loop got. Any other number of workers goes on."""
    first = loader(daemon, workers)
    received = []
    state = None
    for batch in first:
        received.append(batch)
        if len(received) == stop:
            state = first.state_dict()
            break
    assert state is not None
    assert state["sample_in_epoch"] == 4 * stop
    for others in (0, 2):
        second = loader(daemon, others)
        second.load_state_dict(state)
        rest = list(second)
        assert ids(received + rest, daemon) == list(range(len(daemon.samples)))
        again = second.state_dict()
        assert again is not None
        assert (again["epoch"], again["sample_in_epoch"]) == (0, len(daemon.samples))
        assert len(list(second)) == -(-len(daemon.samples) // 4)


def test_errors_come_out_of_workers(daemon: FakeDaemon) -> None:
    daemon.script.refuse_batch = {3: RefusalError(32, "shard 3 of stream only: digest differs")}
    with pytest.raises(errors.ShardError, match="shard 3 of stream only"):
        list(loader(daemon, 1))


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("stop", [1, 4])
def test_torchdata(daemon: FakeDaemon, workers: int, stop: int) -> None:
    stateful = pytest.importorskip("torchdata.stateful_dataloader", reason="torchdata is not installed")

    def make() -> Any:
        return stateful.StatefulDataLoader(open_dataset(daemon), batch_size=4, num_workers=workers, collate_fn=keep)

    whole = list(range(len(daemon.samples)))
    first = make()
    iterator = iter(first)
    received = [next(iterator) for _ in range(stop)]
    state = first.state_dict()
    del iterator
    second = make()
    second.load_state_dict(state)
    assert ids(received + list(second), daemon) == whole
    assert ids(list(second), daemon) == whole
    finished = second.state_dict()
    third = make()
    third.load_state_dict(finished)
    assert ids(list(third), daemon) == whole
    assert third.dataset.epoch <= 2


@pytest.mark.parametrize("prefetch", [0, 4])
def test_batches_of_columns(daemon: FakeDaemon, prefetch: int) -> None:
    dataset = open_dataset(daemon)
    batches = sluice.BatchLoader(dataset, prefetch=prefetch)
    assert len(batches) == -(-len(daemon.samples) // 4)
    expected = list(dataset)
    dataset.next_epoch = 0
    at = 0
    for batch in batches:
        for name, column in batch.items():
            values = list(column)
            assert len(values) in (4, len(expected) - at)
            for value, sample in zip(values, expected[at:], strict=False):
                other = sample[name]
                if isinstance(value, torch.Tensor):
                    assert (value.numpy() == other).all()
                else:
                    assert value == other
        at += len(values)
    assert at == len(expected)
    assert dataset.epoch == 0


@pytest.mark.parametrize("prefetch", [0, 4])
def test_batches_may_be_kept(daemon: FakeDaemon, prefetch: int) -> None:
    batches = sluice.BatchLoader(open_dataset(daemon, batch_size=2), prefetch=prefetch)
    kept = list(batches)
    copies = [{name: str(list(column)) for name, column in batch.items()} for batch in kept]
    list(batches)
    assert copies == [{name: str(list(column)) for name, column in batch.items()} for batch in kept]


def test_numpy_columns_and_collate(daemon: FakeDaemon) -> None:
    dataset = open_dataset(daemon)
    name = daemon.schemas[0].columns[0].name
    only = next(iter(sluice.BatchLoader(dataset, columns=[name], tensors=False)))
    assert list(only) == [name]
    assert isinstance(only[name], (np.ndarray, sluice.Ragged, list))
    assert len(next(iter(sluice.BatchLoader(dataset, collate_fn=keep)))) == 4
    with pytest.raises(KeyError, match="no column"):
        next(iter(sluice.BatchLoader(dataset, columns=["missing"])))
    assert len(list(sluice.BatchLoader(dataset, drop_last=True))) == len(daemon.samples) // 4


@pytest.mark.parametrize("stop", [1, 5])
@pytest.mark.parametrize("prefetch", [0, 4])
def test_batch_loader_checkpoints(daemon: FakeDaemon, prefetch: int, stop: int) -> None:
    first = sluice.BatchLoader(open_dataset(daemon), collate_fn=keep, prefetch=prefetch)
    received = []
    for batch in first:
        received.append(batch)
        if len(received) == stop:
            break
    state = first.state_dict()
    assert state["sample_in_epoch"] == 4 * stop
    second = loader(daemon, 2)
    second.load_state_dict(state)
    assert ids(received + list(second), daemon) == list(range(len(daemon.samples)))
    third = sluice.BatchLoader(open_dataset(daemon), collate_fn=keep, prefetch=prefetch)
    third.load_state_dict(state)
    assert third.state_dict() == state
    assert all_same([sample for batch in third for sample in batch], open_dataset(daemon)[4 * stop :])


def reading_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("sluice-epoch")]


@pytest.mark.parametrize("prefetch", [0, 4])
def test_leaving_a_loop_ends_its_thread(daemon: FakeDaemon, prefetch: int) -> None:
    batches = sluice.BatchLoader(open_dataset(daemon), prefetch=prefetch)
    for _ in range(3):
        for _ in batches:
            break
        gc.collect()
    with contextlib.suppress(ZeroDivisionError):
        for _ in batches:
            raise ZeroDivisionError
    batches.close()
    for thread in reading_threads():
        thread.join(10)
        assert not thread.is_alive()


@pytest.mark.parametrize("prefetch", [0, 4])
def test_a_stuck_daemon_does_not_keep_the_thread(daemon: FakeDaemon, prefetch: int) -> None:
    daemon.script.hold_batches = threading.Event()
    batches = sluice.BatchLoader(open_dataset(daemon), prefetch=prefetch)
    consumer = threading.Thread(target=lambda: list(batches))
    consumer.start()
    while not any(kind == 5 for kind, _ in daemon.requests):
        pass
    batches.close()
    consumer.join(10)
    assert not consumer.is_alive()
    daemon.script.hold_batches.set()


@pytest.mark.parametrize("prefetch", [0, 4])
def test_the_reading_threads_failure_is_the_loops(daemon: FakeDaemon, prefetch: int) -> None:
    daemon.script.refuse_batch = {2: RefusalError(31, "shard 2: the remote answered 503")}
    batches = iter(sluice.BatchLoader(open_dataset(daemon), prefetch=prefetch))
    next(batches), next(batches)
    with pytest.raises(errors.ShardError, match="503"):
        next(batches)


@pytest.mark.parametrize("prefetch", [0, 4])
def test_a_fork_during_an_iteration(daemon: FakeDaemon, prefetch: int) -> None:
    """The child is told that the iteration is not its own, and can begin one."""
    batches = sluice.BatchLoader(open_dataset(daemon), collate_fn=keep, prefetch=prefetch)
    iterator = iter(batches)
    received = [next(iterator)]
    process = os.fork()
    if process == 0:
        code = 1
        try:
            try:
                next(iterator)
            except errors.ForkedError:
                code = 0 if len(list(batches)) == len(batches) else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
    assert ids(received + list(iterator), daemon) == list(range(len(daemon.samples)))


@pytest.mark.parametrize("prefetch", [0, 4])
def test_restarts_in_an_epoch(daemon: FakeDaemon, prefetch: int) -> None:
    batches = sluice.BatchLoader(open_dataset(daemon, batch_size=1), collate_fn=keep, prefetch=prefetch)
    received = []
    for batch in batches:
        received.append(batch)
        if len(received) % 9 == 0:
            daemon.stop()
            daemon.start()
    assert ids(received, daemon) == list(range(len(daemon.samples)))


@pytest.mark.parametrize("prefetch", [0, 4])
def test_descriptors_do_not_grow(daemon: FakeDaemon, prefetch: int) -> None:
    batches = sluice.BatchLoader(open_dataset(daemon), prefetch=prefetch)
    counts = []
    for _ in range(4):
        list(batches)
        counts.append(len(list(Path("/proc/self/fd").iterdir())))
    # The fake daemon lives in this process, too, and may be about to close a connection.
    assert abs(counts[1] - counts[-1]) <= 2


def test_ids_beside_the_columns(daemon: FakeDaemon) -> None:
    batches = list(sluice.BatchLoader(open_dataset(daemon), columns=[], id_column="id"))
    assert torch.cat([batch["id"] for batch in batches]).tolist() == list(range(len(daemon.samples)))
    assert list(batches[0]) == ["id"]


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_pinning_without_a_device_is_warned_about(daemon: FakeDaemon) -> None:
    with pytest.warns(UserWarning, match="pin_memory=True has no effect"):
        batches = sluice.BatchLoader(open_dataset(daemon), pin_memory=True)
    assert sum(1 for _ in batches) == len(batches)
