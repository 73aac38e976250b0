"""How the daemon comes by its streams' indexes: side by side, and each parsed once for as long as it stays the same."""

from __future__ import annotations

import json
import os
import threading
import time
from pathlib import Path

import pytest
import sluice

from EndToEnd import wire
from EndToEnd.wire import Connection
from testbed.daemon import Daemon
from testbed.file_server import Fault
from testbed.fixtures import Stage

KEPT = "the kept copy is used"


class Meeting(threading.Event):
    """Holds every request until `guests` of them are there at once."""

    def __init__(self, guests: int) -> None:
        super().__init__()
        self.barrier = threading.Barrier(guests)

    def wait(self, timeout: float | None = None) -> bool:
        self.barrier.wait(timeout)
        return True

    def set(self) -> None:
        self.barrier.abort()


def test_many_indexes_load_side_by_side(stage: Stage) -> None:
    """Each index is answered only once all of them have been asked for: loaded one by one they would never come."""
    names = [f"stream{number}" for number in range(4)]
    meeting = Meeting(len(names))
    for name in names:
        stage.write(name, 50)
        stage.server.fail(f"{name}/index.json", Fault(hold=meeting))
    stage.start(stage.configuration({name: stage.remote(name, download_retry=1) for name in names}))
    assert not meeting.barrier.broken
    for name in names:
        assert stage.server.requests_of(f"{name}/index.json") == 1


def kept(stage: Stage) -> list[Path]:
    """The compact copies of indexes that the daemon keeps."""
    return sorted((stage.directory / "cache" / "manifests").glob("[!.]*.manifest"))


def test_an_index_is_parsed_once_for_as_long_as_it_stays(stage: Stage) -> None:
    web = stage.write("web", 300)
    configuration = stage.configuration({"web": stage.remote("web")}, log={"level": "debug"})

    def samples() -> tuple[int, int]:
        """Start, read, stop: samples of an epoch, and how often the log has said that the kept copy serves."""
        daemon = stage.start(configuration)
        with sluice.connect(stage.socket) as client, client.open("all") as session:
            count = sum(len(batch.samples()) for batch in session.batches(0))
        assert daemon.stop() == 0
        return count, daemon.log_text().count(KEPT)

    assert samples() == (300, 0)
    (first,) = kept(stage)
    assert samples() == (300, 1)
    # Another index is parsed, and its copy takes the first one's place.
    index = json.loads((web / "index.json").read_text())
    dropped = index["shards"].pop()
    (web / "index.json").write_text(json.dumps(index))
    assert samples() == (300 - dropped["samples"], 1)
    (second,) = kept(stage)
    assert second.name != first.name
    assert samples() == (300 - dropped["samples"], 2)
    # A damaged copy is noticed, said, and made anew.
    damaged = bytearray(second.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    second.write_bytes(damaged)
    assert samples() == (300 - dropped["samples"], 2)
    assert "a kept index is not used" in (stage.directory / "sluiced.log").read_text()
    assert samples() == (300 - dropped["samples"], 3)


def peak(daemon: Daemon) -> int:
    """Return the most memory that a daemon has had at once, in bytes."""
    status = Path(f"/proc/{daemon.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:"))) << 10


@pytest.mark.parametrize("where", ["local", "remote"])
def test_an_index_is_never_held_whole(stage: Stage, where: str) -> None:
    """A document of 96 MB with few shards in it: the daemon's memory stays at what it is with a small one."""
    home = stage.write("web", 50)
    options = {"local": str(home)} if where == "local" else stage.remote("web")
    configuration = stage.configuration({"web": options}, cache={**stage.configuration({})["cache"], "reserve": "0"})
    daemon = stage.start(configuration)
    usual = peak(daemon)
    assert daemon.stop() == 0
    small = (home / "index.json").read_text()
    assert small.startswith("{")
    with (home / "index.json").open("w") as index:
        index.write("{")
        for number in range(3_000):
            index.write(f'"note {number}": "{"x" * 32_000}",\n')
        index.write(small[1:])
    size = (home / "index.json").stat().st_size
    assert size > 90 << 20
    daemon = stage.start(configuration, ready=False)
    daemon.wait_ready(seconds=120)
    assert "samples=50" in daemon.log_text()
    more = peak(daemon) - usual
    print(f"{size >> 20} MB of index: {more >> 20} MB above {usual >> 20} MB")
    assert more < size // 4


# A million shards where SLUICE_LARGE_TESTS is set; the figures are in Tests/Benchmarks/codecs.md.
MANY = 1_000_000 if os.environ.get("SLUICE_LARGE_TESTS") else 20_000


def test_a_large_index(stage: Stage) -> None:
    """Shards by the thousand, of which one exists: the daemon is soon ready, and sooner when it starts again."""
    home = stage.write("many", 8, shard_bytes=1 << 20)
    (record,) = json.loads((home / "index.json").read_text())["shards"]
    text, name = json.dumps(record), record["raw_data"]["basename"]
    with (home / "index.json").open("w") as index:
        index.write('{"shards": [' + text)
        for number in range(1, MANY):
            index.write(", " + text.replace(name, f"part{number % 100:03}/shard.{number:07}.mds"))
        index.write('], "version": 2}')
    dataset = {"streams": [{"stream": "many", "choose": 8}], "batch_size": 8, "shuffle": False}
    configuration = stage.configuration({"many": {"local": str(home)}}, {"many": dataset}, log={"level": "debug"})
    for attempt in ("parsed", "kept"):
        began = time.monotonic()
        daemon = stage.start(configuration, ready=False)
        daemon.wait_ready(seconds=120)
        seconds = time.monotonic() - began
        megabytes = (home / "index.json").stat().st_size >> 20
        print(f"{MANY} shards, {megabytes} MB, {attempt}: {seconds:.1f} s, {peak(daemon) >> 20} MB")
        assert f"shards={MANY}" in daemon.log_text()
        assert (KEPT in daemon.log_text()) == (attempt == "kept")
        with Connection(stage.socket) as client:
            client.ask(wire.OPEN, wire.open_dataset("many"))
        assert daemon.stop() == 0
