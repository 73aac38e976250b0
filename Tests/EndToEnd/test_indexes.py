"""How the daemon comes by its streams' indexes: side by side, and each parsed once for as long as it stays the same."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import sluice

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
