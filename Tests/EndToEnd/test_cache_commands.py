"""The operator's view of the cache, and what keeps a node serving: real daemon, real server, real commands."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections import Counter

import pytest
import sluice

from testbed.fixtures import Stage
from testbed.operations import cache_status, free_port, run_sluice


def drain(stage: Stage, dataset: str = "all", epoch: int = 0) -> list[int]:
    """One rank's epoch, as sample ids."""
    with sluice.connect(stage.socket) as client, client.open(dataset) as session:
        return [int(sample) for batch in session.batches(epoch) for sample in batch.ids]


def downloads(stage: Stage) -> Counter[str]:
    """How often each shard was asked for."""
    return Counter(exchange.path for exchange in stage.server.exchanges if exchange.path.endswith(".mds"))


def test_prefetch_warms_a_node_once(stage: Stage) -> None:
    stage.write("web", 300)
    stage.start(stage.configuration({"web": stage.remote("web")}))
    answer = run_sluice("prefetch", "all", "--socket", str(stage.socket))
    assert answer.returncode == 0, answer.stderr
    shards = sorted(path.name for path in (stage.files / "web").glob("*.mds"))
    assert f"{len(shards)} of {len(shards)} shards" in answer.stdout
    assert cache_status(stage.socket)["shards"] == len(shards)
    assert len(drain(stage)) == 300
    assert set(downloads(stage).values()) == {1}
    status = json.loads(run_sluice("status", "--json", "--socket", str(stage.socket)).stdout)
    (web,) = status["transfer"]["streams"]
    assert web["stream"] == "web"
    assert web["files"] == web["attempts"] == len(shards) + 1, "every shard and the index, once"
    assert web["bytes"] == sum(path.stat().st_size for path in (stage.files / "web").iterdir())
    unknown = run_sluice("prefetch", "nothing", "--socket", str(stage.socket))
    assert unknown.returncode != 0
    assert "registered are all" in unknown.stderr


def test_prefetch_takes_nothing_from_a_session(stage: Stage) -> None:
    for name in ("web", "books"):
        stage.write(name, 200, shard_bytes=1 << 13)
    datasets = {name: {"streams": [{"stream": name}], "batch_size": 8, "shuffle": True} for name in ("web", "books")}
    configuration = stage.configuration({name: stage.remote(name) for name in datasets}, datasets)
    shards = len(list((stage.files / "web").glob("*.mds")))
    configuration["cache"]["limit"] = (shards + 3) * ((1 << 13) + 4096)
    configuration["log"] = {"level": "debug"}
    daemon = stage.start(configuration)
    socket = ("--socket", str(stage.socket))
    assert run_sluice("prefetch", "web", *socket).returncode == 0
    with sluice.connect(stage.socket) as client, client.open("web") as session:
        batches = session.batches(0)
        next(batches)
        daemon.wait_for_log("needs announced")
        answer = run_sluice("prefetch", "books", *socket)
        assert answer.returncode == 1
        assert "shards do not fit in the cache's" in answer.stdout
        assert f"of {shards} shards" in answer.stdout
        # Another dataset's shards may go where nobody needs room, and nowhere else.
        rest = [int(sample) for batch in batches for sample in batch.ids]
    assert len(rest) >= 192
    fetched = downloads(stage)
    # What was used up before may come again for the next epoch. The client asks four batches ahead.
    records = json.loads((stage.files / "web" / "index.json").read_text())["shards"]
    owners = [record["raw_data"]["basename"] for record in records for _ in range(record["samples"])]
    assert {fetched[f"web/{owners[sample]}"] for sample in rest[5 * 8 :]} == {1}
    assert 0 < sum(path.startswith("books/") for path in fetched) < shards


def test_pinned_shards_stay_and_evicted_ones_come_back(stage: Stage) -> None:
    stage.write("web", 300)
    stage.start(stage.configuration({"web": stage.remote("web")}))
    drain(stage)
    socket = ("--socket", str(stage.socket))
    before = cache_status(stage.socket)
    assert before["used"] > 0
    assert before["streams"][0]["stream"] == "web"
    assert run_sluice("cache", "pin", "web", "shard.00000.mds", *socket).returncode == 0
    assert cache_status(stage.socket)["streams"][0]["pinned"] == 1
    assert run_sluice("cache", "unpin", "web", "shard.00000.mds", *socket).returncode == 0
    evicted = run_sluice("cache", "evict", "web", *socket)
    assert evicted.returncode == 0, evicted.stderr
    assert cache_status(stage.socket)["used"] == 0
    assert not list((stage.directory / "cache").glob("**/shard.*.mds")), "evicted files are unlinked"
    assert len(drain(stage)) == 300
    assert set(downloads(stage).values()) == {2}
    wrong = run_sluice("cache", "evict", "web", "shard.99999.mds", *socket)
    assert wrong.returncode != 0
    assert 'no shard "shard.99999.mds"' in wrong.stderr
    assert run_sluice("cache", "evict", "wbe", *socket).returncode != 0


def test_two_datasets_share_one_copy_of_a_stream(stage: Stage) -> None:
    stage.write("web", 200)
    streams = [{"stream": "web"}]
    datasets = {
        "train": {"streams": streams, "batch_size": 8, "shuffle": True},
        "eval": {"streams": streams, "batch_size": 4},
    }
    stage.start(stage.configuration({"web": stage.remote("web")}, datasets))
    assert sorted(drain(stage, "train")) == sorted(drain(stage, "eval")) == list(range(200))
    assert set(downloads(stage).values()) == {1}


@pytest.mark.parametrize("inline_bytes", [4096, 0])
def test_a_tight_limit_slows_down_and_never_fails(stage: Stage, inline_bytes: int) -> None:
    shard = 1 << 13
    stage.write("web", 400, shard_bytes=shard)
    configuration = stage.configuration({"web": stage.remote("web")}, limits={"inline_bytes": inline_bytes})
    # Room for the shards of one batch of eight and few more, of some ten times as many.
    configuration["cache"]["limit"] = 10 * (shard + 4096)
    stage.start(configuration)
    for epoch in range(2):
        assert sorted(drain(stage, epoch=epoch)) == list(range(400))
    status = cache_status(stage.socket)
    assert status["evictions"] > 0
    assert status["used"] + status["reserved"] + status["unlinking"] <= status["limit"]


def test_a_restart_maps_kept_plans(stage: Stage) -> None:
    stage.write("web", 200)
    configuration = stage.configuration({"web": stage.remote("web")}, log={"level": "info", "format": "json"})
    stage.start(configuration)
    before = drain(stage)
    # The next epoch's may be on its way there, under another name.
    plans = list((stage.directory / "cache" / "plans").glob("[!.]*.plan"))
    assert plans, "the plan is kept"
    assert stage.daemons[-1].stop() == 0
    planned = (stage.directory / "sluiced.log").read_text().count("epoch planned")
    stage.start(configuration)
    assert drain(stage) == before
    log = (stage.directory / "sluiced.log").read_text()
    assert '"epoch":"0"' in log
    assert log.count('"message":"epoch planned"') - planned <= 1, "epoch 0 is mapped, at most the next one is planned"
    assert stage.daemons[-1].stop() == 0
    for plan in plans:
        plan.write_bytes(plan.read_bytes()[:-1])
    stage.start(configuration)
    assert drain(stage) == before, "a plan that was cut is noticed and made anew"
    assert "planned anew" in (stage.directory / "sluiced.log").read_text()


def test_metrics_and_health_over_http(stage: Stage) -> None:
    port = free_port()
    stage.write("web", 100)
    stage.start(stage.configuration({"web": stage.remote("web")}, http={"listen": f"127.0.0.1:{port}"}))
    drain(stage)

    def fetch(path: str) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            body: bytes = answer.read()
            return body.decode()

    assert fetch("/live") == "live\n"
    assert fetch("/ready").startswith("ready")
    assert json.loads(fetch("/health"))["state"] == "ready"
    metrics = fetch("/metrics")
    assert "# TYPE sluice_cache_bytes gauge" in metrics
    assert 'sluice_cache_stream_bytes{stream="web"}' in metrics
    with pytest.raises(urllib.error.HTTPError):
        fetch("/nothing")
