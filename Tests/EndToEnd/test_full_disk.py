"""A disk that somebody else fills in mid-epoch: the trainer waits, health says why, and with room it goes on."""

from __future__ import annotations

import errno
import json
import os
import shlex
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from EndToEnd import wire
from EndToEnd.wire import Connection, Refused
from testbed.daemon import Daemon, health
from testbed.fixtures import Stage, in_order
from testbed.operations import cache_status, run_sluice

DEGRADED = 3
BATCH_SIZE = 8
PAGE = 4096


@dataclass
class SmallDisk:
    """A file system in memory that only the daemon has mounted; reached through its process."""

    daemon: Daemon
    path: Path

    def seen(self, *below: str) -> Path:
        """A path on the disk as this process reaches it."""
        return Path(f"/proc/{self.daemon.pid}/root{self.path}", *below)

    def fill(self) -> None:
        """Somebody else's file takes all the room there is."""
        with self.seen("somebody-elses").open("wb") as file:
            size = 0
            while True:
                status = os.statvfs(self.seen())
                free = max(PAGE, status.f_bavail * status.f_frsize)
                try:
                    os.posix_fallocate(file.fileno(), size, free)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    return
                size += free

    def free(self) -> None:
        """Take it away again."""
        self.seen("somebody-elses").unlink()


def start_on_small_disk(stage: Stage, configuration: dict[str, Any], size: str) -> SmallDisk:
    """Start the daemon where the directory above its cache's is a file system of that size."""
    disk = Path(configuration["cache"]["directory"]).parent
    disk.mkdir()
    daemon = stage.start(configuration, mounts=f"mount -t tmpfs -o size={size} none {shlex.quote(str(disk))}")
    return SmallDisk(daemon, disk)


def wait_until(holds: Callable[[], object]) -> None:
    """Look again and again until something is so: nobody tells when."""
    deadline, pause = time.monotonic() + 60, threading.Event()
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("never so")
        pause.wait(0.05)


def waits(stage: Stage) -> bool:
    """Whether the one session waits for a shard."""
    status = json.loads(run_sluice("status", "--json", "--socket", str(stage.socket)).stdout)
    return any(session.get("waiting") for session in status["sessions"])


def begin(client: Connection) -> int:
    """Open a session and plan its epoch 0."""
    session: int = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset("all"))[:4])[0]
    client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))
    return session


def take(client: Connection, session: int, batches: range) -> list[bytes]:
    """Take batches of epoch 0, with their bytes."""
    return [client.ask(wire.BATCH, wire.batch(session, 0, number, mode=1)) for number in batches]


def test_the_disk_becomes_full_in_mid_epoch(stage: Stage) -> None:
    stage.write("web", 400)
    records = json.loads((stage.files / "web" / "index.json").read_text())["shards"]
    # The first batch that lies in two shards: what one of them takes cannot be had from the other.
    torn, rest = divmod(records[0]["samples"], BATCH_SIZE)
    assert torn > 0 < rest
    batches = 400 // BATCH_SIZE
    configuration = stage.configuration({"web": stage.remote("web")}, {"all": in_order("web", BATCH_SIZE)})
    plentiful = stage.start(configuration)
    with Connection(stage.socket) as client:
        wanted = take(client, begin(client), range(batches))
    assert plentiful.stop() == 0
    # The limit promises more than the disk will have; nothing is fetched ahead, so that the cache has little to give.
    configuration["cache"] = {
        "directory": str(stage.directory / "disk" / "cache"),
        "limit": "64mb",
        "reserve": "64kb",
        "prefetch_limit": 1,
    }
    configuration["wait_seconds"] = 2
    disk = start_on_small_disk(stage, configuration, "2m")
    with Connection(stage.socket) as client:
        session = begin(client)
        served = take(client, session, range(torn))
        disk.fill()
        with pytest.raises(Refused) as refused:
            take(client, session, range(torn, torn + 1))
        assert f"the disk of {disk.path}/cache is full" in refused.value.message
        assert "the disk is short" in disk.daemon.log_text()
        # What the cache met with itself is told at once; a look at the disk says the rest.
        assert health(stage.socket).returncode == DEGRADED
        wait_until(lambda: f"the disk of {disk.path}/cache is nearly full" in health(stage.socket).stdout)
        # With more patience it waits.
        configuration["wait_seconds"] = 600
        stage.save(configuration)
        assert run_sluice("reload", "--socket", str(stage.socket)).returncode == 0
        number = client.send(wire.BATCH, wire.batch(session, 0, torn, mode=1))
        wait_until(lambda: waits(stage))
        assert f"the disk of {disk.path}/cache is full" in run_sluice("why", "--socket", str(stage.socket)).stdout
        disk.free()
        kind, request, payload = client.receive()
        assert (kind, request) == (wire.BATCH | 0x8000, number)
        served += [payload, *take(client, session, range(torn + 1, batches))]
    assert served == wanted
    wait_until(lambda: health(stage.socket).returncode == 0)
    # Nothing is under way, nothing half-written lies about, and what is counted is what is there.
    cache = cache_status(stage.socket)
    assert cache["reserved"] == cache["unlinking"] == 0
    assert list(disk.seen("cache", "staging").iterdir()) == []
    copies = list(disk.seen("cache", "shards").glob("*/*"))
    assert cache["shards"] == len(copies) > 0
    assert all({"data", "record"} == {file.name for file in copy.iterdir()} for copy in copies)
    assert disk.daemon.stop() == 0
