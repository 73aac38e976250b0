"""What others put into the cache's directory or change at the remote: never served, never deleted, never mixed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sluice

from testbed.fixtures import COLUMNS, Stage
from testbed.mds import write_stream
from testbed.operations import cache_status, run_sluice

SAMPLES = 120


def texts(session: sluice.Session, epoch: int = 0) -> Iterator[tuple[int, str]]:
    """Each sample's number and the word that says which writing of the stream it is from."""
    for batch in session.batches(epoch):
        for sample in batch.samples():
            yield int(sample["index"]), sample["source"]


def drain(stage: Stage, epoch: int = 0) -> dict[int, str]:
    """An epoch of a session of its own."""
    with sluice.connect(stage.socket) as client, client.open("all") as session:
        return dict(texts(session, epoch))


def write(stage: Stage, word: str, *, shards: int | None = None) -> None:
    """Write the stream `web` anew, every shard of the same size as before; only the first `shards` if given."""
    spare = stage.directory / "spare"
    samples = [{"index": index, "source": word, "text": f"{index:06} " + "x" * 500} for index in range(SAMPLES)]
    write_stream(spare, COLUMNS, samples, 1 << 13)
    web = stage.files / "web"
    if shards is None:
        shutil.rmtree(web, ignore_errors=True)
        spare.rename(web)
        return
    old = json.loads((web / "index.json").read_text())
    new = json.loads((spare / "index.json").read_text())
    for number in range(shards):
        old["shards"][number] = new["shards"][number]
        name = new["shards"][number]["raw_data"]["basename"]
        shutil.copy(spare / name, web / name)
    (web / "index.json").write_text(json.dumps(old))
    shutil.rmtree(spare)


def fetched(stage: Stage) -> list[str]:
    """Shards that were asked for so far."""
    return [exchange.path for exchange in stage.server.exchanges if exchange.path.endswith(".mds")]


def copies(stage: Stage) -> list[Path]:
    """The directories of the copies in the cache."""
    return sorted(path.parent for path in (stage.directory / "cache").glob("shards/*/*/record"))


def evict_all(stage: Stage) -> None:
    """Take everything out of the cache."""
    answer = run_sluice("cache", "evict", "web", "--socket", str(stage.socket))
    assert answer.returncode == 0, answer.stderr


def tree(directory: Path) -> dict[str, bytes]:
    """Every file below, with what it holds."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_strangers_files_and_links_are_left_alone(stage: Stage) -> None:
    write(stage, "one")
    configuration = stage.configuration({"web": stage.remote("web")})
    stage.start(configuration)
    assert set(drain(stage).values()) == {"one"}
    assert stage.daemons[-1].stop() == 0
    cache, outside = stage.directory / "cache", stage.directory / "outside"
    (outside / "deep").mkdir(parents=True)
    (outside / "deep" / "precious").write_text("do not touch")
    moved, linked, crowded = copies(stage)[:3]
    shard = (linked / "data").read_bytes()
    # A copy that lies elsewhere now, with a link in its place; a link in place of a copy's bytes; a note beside some.
    moved.rename(outside / "moved")
    moved.symlink_to(outside / "moved")
    (outside / "data").write_bytes(shard)
    (linked / "data").unlink()
    (linked / "data").symlink_to(outside / "data")
    (crowded / "note").write_text("mine")
    (cache / "shards" / "elsewhere").symlink_to(outside / "deep")
    (cache / "staging" / "elsewhere").symlink_to(outside / "deep")
    (cache / "quarantine" / "elsewhere").symlink_to(outside / "deep")
    for place in (cache, cache / "shards", cache / "staging", cache / "quarantine", crowded.parent, cache / "plans"):
        (place / "stranger.plan").write_text("mine")
    before = tree(outside)
    stage.start(configuration)
    log = stage.daemons[-1].log_text()
    assert "data is not a regular file" in log
    assert log.count("not a file of Sluice's, left alone") >= 8
    assert drain(stage) == dict.fromkeys(range(SAMPLES), "one")
    evict_all(stage)
    assert tree(outside) == before, "nothing outside was changed"
    assert moved.is_symlink() or not moved.exists()
    assert (crowded / "note").read_text() == "mine"
    strangers = list(cache.rglob("stranger.plan"))
    assert len(strangers) == 6
    assert all(path.read_text() == "mine" for path in strangers)


def test_links_planted_while_the_daemon_runs_are_not_followed(stage: Stage) -> None:
    write(stage, "one")
    stage.start(stage.configuration({"web": stage.remote("web")}))
    drain(stage)
    before = len(fetched(stage))
    forged = stage.directory / "forged"
    for copy in copies(stage):
        data = copy / "data"
        forged.write_bytes(data.read_bytes().replace(b"one", b"two"))
        data.unlink()
        data.symlink_to(forged)
    assert drain(stage, 1) == dict.fromkeys(range(SAMPLES), "one")
    assert len(fetched(stage)) > before, "they were fetched anew"
    assert b"two" in forged.read_bytes()


def test_a_remote_that_changes_under_a_running_daemon_is_never_mixed_in(stage: Stage) -> None:
    write(stage, "one")
    stage.start(stage.configuration({"web": stage.remote("web", download_retry=1)}))
    assert set(drain(stage).values()) == {"one"}
    write(stage, "two")
    assert set(drain(stage, 1).values()) == {"one"}, "what is cached still is what the index says"
    evict_all(stage)
    # What the remote holds now is not what this daemon's index says: an error that says so, not other samples.
    seen: list[tuple[int, str]] = []
    with (
        pytest.raises(sluice.SluiceError, match=r"shard\.\d+\.mds.*(sha256|instead of|digest)"),
        sluice.connect(stage.socket) as client,
        client.open("all") as session,
    ):
        seen.extend(texts(session, 2))
    assert {word for _, word in seen} <= {"one"}
    assert stage.daemons[-1].stop() == 0
    stage.start(stage.configuration({"web": stage.remote("web", download_retry=1)}))
    assert drain(stage) == dict.fromkeys(range(SAMPLES), "two")


def test_a_changed_index_leads_to_new_copies_beside_the_old(stage: Stage) -> None:
    write(stage, "one")
    stage.start(stage.configuration({"web": stage.remote("web")}))
    shards = len(list((stage.files / "web").glob("*.mds")))
    with sluice.connect(stage.socket) as client, client.open("all") as old:
        assert set(dict(texts(old)).values()) == {"one"}
        write(stage, "two", shards=shards // 2)
        # Another option of the stream makes the reload ask for its index again.
        configuration = stage.configuration({"web": stage.remote("web", download_timeout=61)})
        stage.save(configuration)
        assert run_sluice("reload", "--socket", str(stage.socket)).returncode == 0
        before = len(fetched(stage))
        mixed = drain(stage)
        assert set(mixed.values()) == {"one", "two"}
        assert len(fetched(stage)) - before == shards // 2, "what did not change is not fetched again"
        assert cache_status(stage.socket)["shards"] == shards + shards // 2
        # The session that began before goes on with what it began with.
        assert set(dict(texts(old, 1)).values()) == {"one"}
    assert stage.daemons[-1].stop() == 0
    stage.start(configuration)
    before = len(fetched(stage))
    assert drain(stage) == mixed
    assert len(fetched(stage)) == before, "both writings were adopted, and the index says which is meant"
