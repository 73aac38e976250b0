"""Downloads through the whole daemon: what is wrong is fetched again, and what an operator sees of it."""

from __future__ import annotations

import json
import re
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest
import sluice

from testbed.file_server import Fault
from testbed.fixtures import Stage
from testbed.operations import run_sluice

HASTY = {"retry_seconds": 0.2, "retry_maximum_seconds": 2}


def transfer(stage: Stage) -> dict[str, Any]:
    """Give the downloads of `sluice status`."""
    answer = run_sluice("status", "--json", "--socket", str(stage.socket))
    assert answer.returncode == 0, answer.stderr
    document: dict[str, Any] = json.loads(answer.stdout)["transfer"]
    return document


def screen(stage: Stage) -> str:
    """Give what `sluice status` prints for a person."""
    answer = run_sluice("status", "--socket", str(stage.socket))
    assert answer.returncode == 0, answer.stderr
    return answer.stdout


def drain(stage: Stage) -> list[int]:
    """Take every sample of the dataset, in order."""
    dataset = sluice.StreamingDataset("all", batch_size=8, shuffle=False, socket=stage.socket)
    return [sample["index"] for sample in dataset]


def flipped(path: Path) -> bytes:
    """Give the bytes of a file with one bit wrong, far from its head."""
    data = bytearray(path.read_bytes())
    data[-3] ^= 4
    return bytes(data)


def test_a_corrupt_shard_is_fetched_again_after_a_while(stage: Stage) -> None:
    directory = stage.write("web", 200)
    shard = sorted(directory.glob("*.mds"))[1]
    stage.server.fail(f"web/{shard.name}", Fault(body=flipped(shard), times=2))
    remote = stage.remote("web", download_retry=3)
    daemon = stage.start(stage.configuration({"web": remote}, transfer=HASTY))
    assert drain(stage) == list(range(200))
    assert stage.server.requests_of(f"web/{shard.name}") == 3
    status = transfer(stage)
    assert status["retries"] == {"digest": 2}
    (web,) = status["streams"]
    assert web["retries"] == 2
    assert web["failures"] == 0
    assert web["attempts"] == web["files"] + 2
    pauses = [float(text) for text in re.findall(r'pause_seconds="?([0-9.]+)', daemon.log_text())]
    first, second = pauses
    assert 0.2 <= first <= 0.3
    assert 0.4 <= second <= 0.5, "twice as long, and some jitter"
    assert "tried again: 2 × digest" in screen(stage)  # noqa: RUF001


@pytest.mark.parametrize("options", [{}, {"validate_hash": "sha256"}])
def test_a_shard_that_stays_corrupt_is_an_error_that_says_all(stage: Stage, options: dict[str, object]) -> None:
    directory = stage.write("web", 200)
    shard = sorted(directory.glob("*.mds"))[1]
    stage.server.fail(f"web/{shard.name}", Fault(body=flipped(shard)))
    secret = {"headers": {"X-Key": "TOPSECRET"}}
    remote = stage.remote("web", download_retry=2, **{"with": secret}, **options)
    daemon = stage.start(stage.configuration({"web": remote}, transfer=HASTY))
    with pytest.raises(sluice.errors.ShardError) as caught:
        drain(stage)
    said = str(caught.value)
    for part in ["stream web", f"{stage.server.url}/web", shard.name, "2 attempts", "sha256 is", "the index says"]:
        assert part in said, said
    # The client has asked for the next batch already, which may begin another download of the same shard.
    assert stage.server.requests_of(f"web/{shard.name}") in (2, 3, 4)
    status = transfer(stage)
    assert set(status["retries"]) == {"digest"}
    assert status["streams"][0]["failures"] in (1, 2)
    assert not list((stage.directory / "cache" / "shards").glob(f"**/*{shard.name}*"))
    for text in [said, daemon.log_text(), screen(stage)]:
        assert "TOPSECRET" not in text
    # Mended, it comes, without the daemon's being told.
    stage.server.heal(f"web/{shard.name}")
    assert drain(stage) == list(range(200))


def test_what_only_decompression_shows_is_fetched_again_too(stage: Stage) -> None:
    fixture = Path(__file__).resolve().parents[1] / "Fixtures" / "datasets" / "mds_zstd"
    directory = stage.files / "zipped"
    shutil.copytree(fixture, directory)
    index = json.loads((directory / "index.json").read_text())
    for shard in index["shards"]:
        for form in ["raw_data", "zip_data"]:
            shard[form]["hashes"] = {}
    (directory / "index.json").write_text(json.dumps(index))
    name = index["shards"][1]["zip_data"]["basename"]
    garbage = bytes(reversed((directory / name).read_bytes()))
    stage.server.fail(f"zipped/{name}", Fault(body=garbage, times=1))
    daemon = stage.start(stage.configuration({"zipped": stage.remote("zipped")}, transfer=HASTY))
    with sluice.connect(stage.socket) as client, client.open("all") as session:
        samples = sum(len(batch.ids) for batch in session.batches(0))
    assert samples == sum(shard["samples"] for shard in index["shards"])
    assert stage.server.requests_of(f"zipped/{name}") == 2
    assert name in daemon.log_text()


def test_a_digest_that_the_index_lacks_is_an_error(stage: Stage) -> None:
    stage.write("web", 40)
    stage.start(stage.configuration({"web": stage.remote("web", validate_hash="xxh64")}, transfer=HASTY))
    with pytest.raises(sluice.errors.SluiceError, match="validate_hash is xxh64, but the index has no such digest"):
        drain(stage)


@pytest.mark.parametrize(("status", "cause"), [(500, "status"), (503, "throttled"), (429, "throttled")])
def test_an_index_is_asked_for_again(stage: Stage, status: int, cause: str) -> None:
    stage.write("web", 40)
    stage.server.fail("web/index.json", Fault(status=status, times=1))
    daemon = stage.start(stage.configuration({"web": stage.remote("web")}, transfer=HASTY))
    assert drain(stage) == list(range(40))
    assert stage.server.requests_of("web/index.json") == 2
    assert transfer(stage)["retries"] == {cause: 1}
    assert re.search(r"a download failed and is tried again.*index\.json", daemon.log_text())


def test_progress_rate_and_queue(stage: Stage) -> None:
    stage.write("web", 3000, size=2000, shard_bytes=1 << 20)
    # The server stops in the middle of every body until it is told to go on.
    go_on, reached = threading.Event(), threading.Semaphore(0)

    def pause(_: int) -> None:
        if not go_on.is_set():
            reached.release()
            go_on.wait(60)

    configuration = stage.configuration(
        {"web": stage.remote("web")}, transfer={"fetchers": 1, "connections_per_host": 1, **HASTY}
    )
    stage.start(configuration)
    stage.server.on_bytes = pause
    try:
        with sluice.connect(stage.socket) as client, client.open("all") as session:
            reader = threading.Thread(target=lambda: list(session.batches(0)), daemon=True)
            reader.start()
            assert reached.acquire(timeout=30)
            deadline = threading.Event()
            for _ in range(600):
                status = transfer(stage)
                if any(download["bytes"] for download in status["active"]):
                    break
                deadline.wait(0.05)
            begun = [download for download in status["active"] if download["bytes"]]
            assert len(begun) == 1, "one connection, one shard at a time"
            (download,) = begun
            assert 0 < download["bytes"] < download["total"]
            assert download["stream"] == "web"
            assert download["file"].endswith(".mds")
            assert download["attempt"] == 1
            assert status["queued"] > 0, "the other shards wait for the connection"
            assert status["bytesPerSecond"] > 0
            shown = screen(stage)
            assert f"web/{download['file']}" in shown
            assert "░" in shown, "a bar that is not full"
            assert f"{status['queued']} waiting" in shown
            go_on.set()
            reader.join(60)
            assert not reader.is_alive()
    finally:
        go_on.set()
    status = transfer(stage)
    assert not status["active"]
    assert status["queued"] == 0
    (web,) = status["streams"]
    assert web["bytes"] == status["bytes"] == sum(path.stat().st_size for path in (stage.files / "web").iterdir())
    assert web["seconds"] > 0
