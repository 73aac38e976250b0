"""Limits: too small is refused at once, tight goes slowly, and prefetching keeps within its bounds."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import sluice
from sluice.wire.batches import Bytes

from testbed.file_server import Fault
from testbed.fixtures import COLUMNS, Stage
from testbed.mds import write_stream
from testbed.operations import cache_status, run_sluice

RECORD_BYTES = 4096
#: Every way to write 96 KiB that the reference takes, and one more for plain bytes.
SPELLINGS: dict[str, object] = {
    "kb": "96kb",
    "upper": "96KB",
    "blank": "96 kb",
    "decimal": "0.09375mb",
    "b": "98304b",
    "text": "98304",
    "plain": 98304,
}


def plan(stage: Stage, epochs: Sequence[int] = (0,)) -> list[list[int]]:
    """The batches of some epochs, as sample ids, without any of their bytes."""
    with sluice.connect(stage.socket) as client, client.open("all") as session:
        return [[int(s) for s in batch.ids] for epoch in epochs for batch in session.batches(epoch, how=Bytes.NONE)]


def drain(stage: Stage, dataset: str = "all", epoch: int = 0) -> list[int]:
    """One rank's epoch, as sample ids."""
    with sluice.connect(stage.socket) as client, client.open(dataset) as session:
        return [int(sample) for batch in session.batches(epoch) for sample in batch.ids]


def downloads(stage: Stage) -> Counter[str]:
    """How often each shard was fetched."""
    return Counter(exchange.path for exchange in stage.server.exchanges if exchange.path.endswith(".mds"))


def needs(stage: Stage, name: str, batches: Sequence[Sequence[int]]) -> list[int]:
    """What the shards of each batch take of the cache at once, from the stream's index."""
    owners: list[int] = []
    sizes: list[int] = []
    for number, record in enumerate(json.loads((stage.files / name / "index.json").read_text())["shards"]):
        owners += [number] * record["samples"]
        sizes.append(record["raw_data"]["bytes"] + RECORD_BYTES)
    return [sum(sizes[shard] for shard in {owners[sample] for sample in batch}) for batch in batches]


def settled(stage: Stage, done: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The cache's status once nothing is under way and `done` holds; the daemon tells nobody when it rests."""
    pause = threading.Event()
    for _ in range(500):
        status = cache_status(stage.socket)
        if status["reserved"] == 0 and done(status):
            return status
        pause.wait(0.02)
    raise TimeoutError(f"the cache never came to rest: {status}")


def shard_owners(stage: Stage) -> list[int]:
    """The shard of each sample."""
    records = json.loads((stage.files / "web" / "index.json").read_text())["shards"]
    return [number for number, record in enumerate(records) for _ in range(record["samples"])]


def settled_downloads(stage: Stage, sessions: int) -> dict[str, Any]:
    """Give the daemon's status once so many sessions wait for a shard that is on its way."""
    pause = threading.Event()
    for _ in range(500):
        status: dict[str, Any] = json.loads(run_sluice("status", "--json", "--socket", str(stage.socket)).stdout)
        waiting = sum(bool(session.get("waiting")) for session in status["sessions"])
        if waiting == sessions and status["transfer"]["active"]:
            return status
        pause.wait(0.02)
    raise TimeoutError(f"never did {sessions} sessions wait: {status['sessions']}, {status['transfer']}")


def spread(stage: Stage) -> dict[str, Any]:
    """A configuration whose batches need many shards at once."""
    stage.write("web", 400, shard_bytes=1 << 13)
    configuration = stage.configuration({"web": stage.remote("web")})
    configuration["datasets"]["all"]["shuffle_algo"] = "naive"
    return configuration


@pytest.mark.parametrize("whose", ["the cache", "a stream"])
def test_a_limit_too_small_for_one_batch_is_refused_before_the_first(stage: Stage, whose: str) -> None:
    configuration = spread(stage)
    stage.start(configuration)
    least = max(needs(stage, "web", plan(stage)))
    assert stage.daemons[-1].stop() == 0
    if whose == "the cache":
        configuration["cache"]["limit"] = least - 1
    else:
        configuration["streams"]["web"]["cache_limit"] = f"{least - 1}b"
    before = downloads(stage)
    stage.start(configuration)
    with (
        pytest.raises(sluice.SluiceError, match="cache_limit") as refusal,
        sluice.connect(stage.socket) as client,
        client.open("all") as session,
    ):
        session.epoch(0)
    assert ("cache_limit of stream web" in str(refusal.value)) == (whose == "a stream")
    assert f"at least {least} would do" in str(refusal.value)
    assert downloads(stage) == before, "nothing was fetched for it"


@pytest.mark.parametrize("inline_bytes", [4096, 0], ids=["inline", "descriptors"])
def test_a_margin_of_one_kilobyte_is_slow_and_says_so_and_serves(stage: Stage, inline_bytes: int) -> None:
    configuration = spread(stage)
    stage.start(configuration)
    least = max(needs(stage, "web", plan(stage, range(2))))
    assert stage.daemons[-1].stop() == 0
    configuration["cache"]["limit"] = least + 1024
    configuration["limits"] = {"inline_bytes": inline_bytes}
    stage.start(configuration)
    with sluice.connect(stage.socket) as client, client.open("all") as session:
        (warning,) = (text for text in session.epoch(0).warnings if "cache.limit" in text)
        assert re.search(r"one batch needs up to [\d.]+ KiB at once", warning)
        for epoch in range(2):
            served = [int(sample) for batch in session.batches(epoch) for sample in batch.ids]
            assert sorted(served) == list(range(400))
    assert "the cache is tight" in stage.daemons[-1].log_text()
    status = cache_status(stage.socket)
    assert status["evictions"] > 0
    assert status["used"] + status["reserved"] + status["unlinking"] <= least + 1024


def test_two_ranks_at_a_margin_of_one_kilobyte_do_not_stop_each_other(stage: Stage) -> None:
    configuration = spread(stage)
    stage.start(configuration)
    least = max(needs(stage, "web", plan(stage, range(2))))
    assert stage.daemons[-1].stop() == 0
    configuration["cache"]["limit"] = least + 1024
    stage.start(configuration)
    served: list[list[int]] = []
    threads = [threading.Thread(target=lambda: served.append(drain(stage))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert [sorted(ids) for ids in served] == [list(range(400))] * 2


def test_predownload_bounds_what_is_fetched_ahead_in_samples(stage: Stage) -> None:
    configuration = spread(stage)
    configuration["datasets"]["all"] |= {"predownload": 20, "shuffle_algo": "py1s"}
    stage.start(configuration)
    owners, ahead = shard_owners(stage), plan(stage)
    assert stage.daemons[-1].stop() == 0
    configuration["cache"]["directory"] += "-of-its-own"
    stage.start(configuration)
    with sluice.connect(stage.socket) as client, client.open("all") as session:
        batches = session.batches(0, depth=1)
        next(batches)
        # 20 samples ahead are 3 batches of 8, from the batch being trained on or from one that was asked for ahead.
        expected = {owners[sample] for batch in ahead[:3] for sample in batch}
        most = {owners[sample] for batch in ahead[:5] for sample in batch}
        status = settled(stage, lambda status: status["shards"] >= len(expected))
        assert len(expected) <= status["shards"] <= len(most)
        assert len(most) < len(set(owners))
        batches.close()


def test_a_bound_in_bytes_holds_too_and_without_one_prefetch_fills_the_limit(stage: Stage) -> None:
    configuration = spread(stage)
    configuration["datasets"]["all"]["shuffle_algo"] = "py1s"
    total = len(set(shard_owners(stage)))
    size = max(path.stat().st_size for path in (stage.files / "web").glob("*.mds")) + RECORD_BYTES
    configuration["cache"]["prefetch_limit"] = 5 * size
    stage.start(configuration)
    with sluice.connect(stage.socket) as client, client.open("all") as session:
        next(session.batches(0, depth=1))
        status = settled(stage, lambda status: status["shards"] >= 5)
        used = len({owner for batch in plan(stage)[:2] for owner in (shard_owners(stage)[s] for s in batch)})
        assert 5 <= status["shards"] <= 5 + used < total
    assert stage.daemons[-1].stop() == 0
    del configuration["cache"]["prefetch_limit"]
    stage.start(configuration)
    with sluice.connect(stage.socket) as client, client.open("all") as session:
        next(session.batches(0, depth=1))
        settled(stage, lambda status: status["shards"] == total)


def test_prefetching_runs_on_into_the_next_epoch(stage: Stage) -> None:
    for name in ("web", "books"):
        stage.write(name, 200, shard_bytes=1 << 13)
    streams = {name: stage.remote(name) for name in ("web", "books")}
    # Each epoch draws a tenth of each stream, other shards every time.
    weighted = [{"stream": name, "proportion": 0.5} for name in streams]
    dataset = {"streams": weighted, "epoch_size": 40, "batch_size": 8, "shuffle": True, "shuffle_algo": "py1s"}
    stage.start(stage.configuration(streams, {"all": dataset}))
    with sluice.connect(stage.socket) as client, client.open("all") as session:
        first = [int(sample) for batch in session.batches(0) for sample in batch.ids]
        here = set(downloads(stage))
        status = settled(stage, lambda status: status["shards"] > len(here))
        second = [int(sample) for batch in session.batches(1) for sample in batch.ids]
    assert set(first) != set(second)
    # All that the second epoch needed was there before it was asked for.
    assert cache_status(stage.socket)["misses"] == status["misses"]


def test_two_jobs_at_once_download_each_shard_once(stage: Stage) -> None:
    stage.write("web", 400, shard_bytes=1 << 13)
    streams = [{"stream": "web"}]
    datasets = {
        "fast": {"streams": streams, "batch_size": 16, "shuffle": True, "shuffle_seed": 1},
        "slow": {"streams": streams, "batch_size": 4, "shuffle": True, "shuffle_seed": 2},
    }
    stage.start(stage.configuration({"web": stage.remote("web")}, datasets))
    served: dict[str, list[int]] = {}
    start = threading.Barrier(2)

    def train(dataset: str) -> None:
        start.wait(30)
        served[dataset] = drain(stage, dataset)

    threads = [threading.Thread(target=train, args=(dataset,)) for dataset in datasets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(served["fast"]) == sorted(served["slow"]) == list(range(400))
    assert served["fast"] != served["slow"]
    assert set(downloads(stage).values()) == {1}
    assert len(downloads(stage)) == len(list((stage.files / "web").glob("*.mds")))


def test_a_streams_limit_is_understood_in_all_the_references_spellings(stage: Stage) -> None:
    stage.write("web", 40, shard_bytes=1 << 13)
    streams = {name: stage.remote("web", cache_limit=spelling) for name, spelling in SPELLINGS.items()}
    datasets = {"all": {"streams": [{"stream": "plain"}], "batch_size": 8}}
    stage.start(stage.configuration(streams, datasets))
    drain(stage)
    limits = {stream["stream"]: stream["limit"] for stream in cache_status(stage.socket)["streams"]}
    assert limits == dict.fromkeys(SPELLINGS, 96 << 10)


def test_a_streams_limit_holds_while_others_take_what_they_like(stage: Stage) -> None:
    for name in ("web", "books"):
        stage.write(name, 300, shard_bytes=1 << 13)
    bound = 10 * ((1 << 13) + RECORD_BYTES)
    streams = {"web": stage.remote("web", cache_limit=f"{bound}b"), "books": stage.remote("books")}
    stage.start(stage.configuration(streams))
    for epoch in range(2):
        assert sorted(drain(stage, epoch=epoch)) == list(range(600))
        used = {stream["stream"]: stream["bytes"] for stream in cache_status(stage.socket)["streams"]}
        assert used["web"] <= bound < used["books"]
    counts = downloads(stage)
    assert {count for path, count in counts.items() if path.startswith("books/")} == {1}
    assert max(count for path, count in counts.items() if path.startswith("web/")) > 1


def test_what_is_kept_beside_the_shards_is_bounded_and_shown(stage: Stage) -> None:
    stage.write("web", 300)
    configuration = stage.configuration({"web": stage.remote("web")}, plans={"limit": "16kb"})
    stage.start(configuration)
    for epoch in range(4):
        drain(stage, epoch=epoch)
    kept = {one["what"]: one for one in cache_status(stage.socket)["kept"]}
    cache = stage.directory / "cache"
    plans = sum(path.stat().st_size for path in (cache / "plans").glob("[!.]*.plan"))
    indexes = sum(path.stat().st_size for path in (cache / "manifests").glob("[!.]*.manifest"))
    assert 0 < plans <= kept["plans"]["limit"] == 16 << 10
    assert kept["indexes"]["bytes"] == indexes > 0
    assert kept["indexes"]["limit"] == 1 << 30


def test_a_shard_that_comes_slowly_is_waited_for_once_by_both_jobs(stage: Stage) -> None:
    samples = [{"index": index, "source": "web", "text": "x" * 100} for index in range(16)]
    write_stream(stage.files / "web", COLUMNS, samples, 1 << 20)
    stage.start(stage.configuration({"web": stage.remote("web")}))
    held = threading.Event()
    stage.server.fail("web/shard.00000.mds", Fault(hold=held, times=1))
    served: list[list[int]] = []
    threads = [threading.Thread(target=lambda: served.append(drain(stage))) for _ in range(3)]
    for thread in threads:
        thread.start()
    status = settled_downloads(stage, sessions=3)
    assert len(status["transfer"]["active"]) == 1
    held.set()
    for thread in threads:
        thread.join(60)
    assert [sorted(ids) for ids in served] == [list(range(16))] * 3
    assert downloads(stage) == {"web/shard.00000.mds": 1}
