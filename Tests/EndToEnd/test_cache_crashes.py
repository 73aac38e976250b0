"""The daemon killed with SIGKILL while it serves under a tight limit: what it leaves is whole, and serves again."""

from __future__ import annotations

import hashlib
import os
import random
import threading
from pathlib import Path

import sluice

from testbed.fixtures import Stage
from testbed.operations import cache_status

KILLS = int(os.environ.get("SLUICE_DAEMON_KILLS", "24"))
#: What the cache counts for a copy's own record.
RECORD_BYTES = 4096
SAMPLES = 400


class Trainer(threading.Thread):
    """Drains epoch after epoch, whatever happens to the daemon, and checks every value."""

    def __init__(self, socket: Path) -> None:
        super().__init__(daemon=True)
        self.socket = socket
        self.served = threading.Event()
        self.over = threading.Event()
        self.batches = 0
        self.wrong: list[str] = []

    def run(self) -> None:
        """Train until told to stop."""
        while not self.over.is_set():
            try:
                with sluice.connect(self.socket, wait=0.2) as client, client.open("all") as session:
                    self.drain(session)
            except (sluice.SluiceError, OSError):
                self.over.wait(0.01)

    def drain(self, session: sluice.Session) -> None:
        """One or more epochs of a session."""
        for epoch in range(1000):
            for batch in session.batches(epoch):
                for index, sample in zip(batch.ids, batch.samples(), strict=True):
                    if sample["index"] != int(index) or not sample["text"].startswith(f"web {int(index)} "):
                        self.wrong.append(f"sample {index} is {sample!r}")
                self.batches += 1
                self.served.set()
                if self.over.is_set():
                    return


def digests(files: Path) -> dict[str, str]:
    """The digest of every shard as its writer left it."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files.glob("*.mds")}


def committed(cache: Path, expected: dict[str, str]) -> int:
    """Check that whatever has a final name is whole; give the bytes that these copies count."""
    counted = 0
    for copy in cache.glob("shards/*/*"):
        names = {path.name for path in copy.iterdir()}
        if "record" not in names:
            continue  # An eviction was under way: it takes the record away first, and the next start takes the rest.
        basename = copy.name.rsplit("-", 1)[0]
        assert names == {"record", "data"}, f"{copy} holds {names}"
        data = (copy / "data").read_bytes()
        assert hashlib.sha256(data).hexdigest() == expected[basename], f"{copy} is not what its writer made"
        counted += len(data) + RECORD_BYTES
    return counted


def test_a_daemon_killed_at_random_while_it_serves_recovers_every_time(stage: Stage) -> None:
    seed = int(os.environ.get("SLUICE_SEED", str(random.SystemRandom().randrange(1 << 32))))
    print(f"seed {seed}, {KILLS} kills")
    chance = random.Random(seed)  # noqa: S311
    expected = digests(stage.write("web", SAMPLES, shard_bytes=1 << 13))
    configuration = stage.configuration({"web": stage.remote("web")})
    configuration["datasets"]["all"]["shuffle_algo"] = "naive"
    limit = 12 * ((1 << 13) + RECORD_BYTES)
    configuration["cache"]["limit"] = limit
    cache = stage.directory / "cache"
    trainer = Trainer(stage.socket)
    trainer.start()
    evictions = 0
    for _ in range(KILLS):
        daemon = stage.start(configuration)
        trainer.served.clear()
        assert trainer.served.wait(30), "nothing is served after a start"
        # Some moment of serving, with downloads, evictions and unlinks under way.
        trainer.over.wait(chance.uniform(0, 0.25))
        evictions += cache_status(stage.socket)["evictions"] if chance.random() < 0.2 else 0
        daemon.kill()
        assert committed(cache, expected) <= limit
        assert not trainer.wrong
    trainer.over.set()
    trainer.join(30)
    assert not trainer.is_alive()
    assert trainer.batches > KILLS
    # After all of it: a clean directory, right books, and the whole epoch.
    daemon = stage.start(configuration)
    assert not list((cache / "staging").iterdir()), "what interrupted downloads left is swept"
    assert not list((cache / "quarantine").iterdir()), "nothing was doubtful"
    status = cache_status(stage.socket)
    assert status["used"] == committed(cache, expected)
    assert status["reserved"] == status["unlinking"] == status["quarantined"] == 0
    with sluice.connect(stage.socket) as client, client.open("all") as session:
        assert sorted(int(sample) for batch in session.batches(0) for sample in batch.ids) == list(range(SAMPLES))
    assert cache_status(stage.socket)["evictions"] > 0
    assert daemon.stop() == 0
    assert committed(cache, expected) <= limit
    assert not list((cache / "staging").iterdir())
