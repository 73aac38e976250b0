"""The real daemon under strain: a thousand clients killed, many at once, stuck ones, restarts under load, idleness.

SLUICE_SOAK_SECONDS makes the soak longer; the figures of a long one are in Tests/Benchmarks/serve.md.
"""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from EndToEnd.test_epoch import planned
from testbed.daemon import Daemon, dying_with_us, health
from testbed.fixtures import Stage
from testbed.operations import run_sluice

CLIENTS = str(Path(__file__).with_name("strained_clients.py"))
SOAK_SECONDS = float(os.environ.get("SLUICE_SOAK_SECONDS", "12"))


def start_clients(*arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        dying_with_us([sys.executable, CLIENTS, *map(str, arguments)]),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, f"a client ended with status {process.wait(30)}"
    return line.strip()


@dataclass(frozen=True)
class Held:
    """What a daemon holds now."""

    threads: int
    descriptors: int
    resident_kib: int
    sessions: int
    leased: int

    @staticmethod
    def by(stage: Stage) -> Held:
        process = Path(f"/proc/{stage.daemons[-1].pid}")
        resident = re.search(r"VmRSS:\s+(\d+)", (process / "status").read_text())
        assert resident is not None
        status = status_of(stage)
        return Held(
            threads=sum(1 for _ in (process / "task").iterdir()),
            descriptors=sum(1 for _ in (process / "fd").iterdir()),
            resident_kib=int(resident[1]),
            sessions=len(status["sessions"]),
            leased=status["cache"]["leased"],
        )


def status_of(stage: Stage) -> dict[str, Any]:
    answer = run_sluice("status", "--json", "--socket", str(stage.socket))
    assert answer.returncode == 0, answer.stderr
    status: dict[str, Any] = json.loads(answer.stdout)
    return status


def eventually(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    """What the kernel does after a process's end tells nobody; it is looked at until it is as it must be."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < deadline, what
        pause.wait(0.05)


@pytest.fixture
def served(stage: Stage) -> Stage:
    """Two streams by https in one mix, small batches."""
    stage.write("web", 1200, size=200)
    stage.write("code", 800, size=500)
    stage.start(
        stage.configuration({"web": stage.remote("web"), "code": stage.remote("code")}, log={"level": "notice"})
    )
    # Everything in the cache, every lazy thing begun.
    assert run_sluice("prefetch", "all", "--socket", str(stage.socket)).returncode == 0
    return stage


def test_a_thousand_clients_killed_leave_nothing_behind(served: Stage) -> None:
    seed = random.randrange(1 << 30)  # noqa: S311
    print(f"seed {seed}")
    warm_up = start_clients("killed", served.socket, "all", 50, seed)
    assert warm_up.wait(120) == 0
    eventually(lambda: Held.by(served).sessions == 0, "sessions of killed clients stay")
    before = Held.by(served)
    clients = start_clients("killed", served.socket, "all", 1000, seed + 1)
    assert clients.wait(300) == 0, f"seed {seed}"

    def is_clear() -> bool:
        now = Held.by(served)
        return now.sessions == 0 and now.leased == 0 and now.descriptors <= before.descriptors + 2

    eventually(is_clear, f"left behind: {Held.by(served)}, before: {before}")
    eventually(lambda: Held.by(served).threads <= before.threads + 2, f"threads: {Held.by(served)}, before: {before}")
    after = Held.by(served)
    print(before, after)
    assert after.resident_kib < before.resident_kib + (32 << 10)
    assert health(served.socket).returncode == 0


def test_64_clients_with_flat_memory_and_descriptors(served: Stage) -> None:
    clients = start_clients("soak", served.socket, "all", 64, SOAK_SECONDS)
    assert line_of(clients) == "begun"
    eventually(lambda: Held.by(served).sessions == 64, "64 sessions are not open", 60)
    pause = threading.Event()
    # The figures are of moments in the middle of the load; the load itself is what lasts.
    pause.wait(SOAK_SECONDS / 3)
    early = Held.by(served)
    pause.wait(SOAK_SECONDS / 3)
    late = Held.by(served)
    assert json.loads(line_of(clients)) == {"failed": 0}
    print(early, late)
    assert late.resident_kib < early.resident_kib * 1.05 + (8 << 10)
    assert late.descriptors <= early.descriptors * 1.05 + 8
    eventually(lambda: Held.by(served).sessions == 0, "sessions stay after their clients")


def test_fifty_restarts_under_load_lose_and_repeat_nothing(served: Stage) -> None:
    seed = random.randrange(1 << 30)  # noqa: S311
    print(f"seed {seed}")
    numbers = random.Random(seed)  # noqa: S311
    ranks = 2
    trainers = [start_clients("steady", served.socket, "all", rank, ranks) for rank in range(ranks)]
    assert [line_of(trainer) for trainer in trainers] == ["ready"] * ranks
    received: list[list[tuple[int, list[int]]]] = [[] for _ in trainers]
    configuration = json.loads((served.directory / "sluiced.yaml").read_text())
    for restart in range(50):
        for trainer in trainers:
            assert trainer.stdin is not None
            trainer.stdin.write(f"{numbers.randrange(4, 12)}\n")
            trainer.stdin.flush()
        # When in the middle of these batches it happens is the random part.
        threading.Event().wait(numbers.uniform(0, 0.01))
        daemon = served.daemons[-1]
        if restart % 2:
            daemon.kill()
        else:
            # One that has only begun to start has no handler yet, and nothing to drain.
            assert daemon.stop() in (0, -signal.SIGTERM)
        served.daemons.pop()
        served.start(configuration, ready=False)
        for rank, trainer in enumerate(trainers):
            received[rank] += [(epoch, ids) for epoch, ids in json.loads(line_of(trainer))]
    for trainer in trainers:
        trainer.kill()
        trainer.wait()
    # `sluice plan` loads the indexes too, from where this process can: the directory behind the server.
    local = {name: {"local": str(served.files / name)} for name in ("web", "code")}
    served.save(served.configuration(local))
    plans: dict[int, list[list[list[int]]]] = {}
    for rank, batches in enumerate(received):
        at = {epoch: 0 for epoch, _ in batches}
        assert list(at) == list(range(len(at))), f"epochs out of order: {list(at)}"
        for epoch, ids in batches:
            plan = plans.setdefault(epoch, planned(served, "all", epoch)) if epoch not in plans else plans[epoch]
            assert ids == plan[rank][at[epoch]], f"rank {rank}, epoch {epoch}, batch {at[epoch]}; seed {seed}"
            at[epoch] += 1
        for epoch in list(at)[:-1]:
            assert at[epoch] == len(plans[epoch][rank]), f"rank {rank} left epoch {epoch} early; seed {seed}"
    print(f"{sum(map(len, received))} batches over {len(plans)} epochs")


def test_a_stuck_reader_delays_only_itself(served: Stage) -> None:
    stuck = start_clients("stuck", served.socket, "all")
    assert line_of(stuck) == "stuck"
    clients = start_clients("soak", served.socket, "all", 2, 0.5)
    assert line_of(clients) == "begun"
    assert json.loads(line_of(clients)) == {"failed": 0}
    assert stuck.poll() is None
    stuck.kill()
    stuck.wait()
    eventually(lambda: Held.by(served).sessions == 0, "the stuck client's session stays")


def test_an_idle_session_loses_its_leases_and_not_its_place(stage: Stage) -> None:
    stage.write("web", 400)
    configuration = stage.configuration({"web": stage.remote("web")}, idle_seconds=0.3, log={"level": "info"})
    daemon = stage.start(configuration)
    # With nothing asked for ahead, so that every turn needs the daemon.
    trainer = start_clients("steady", stage.socket, "all", 0, 1, 1)
    assert line_of(trainer) == "ready"
    assert trainer.stdin is not None
    received = []
    for _ in range(3):
        seen = daemon.log_text().count("idle: files let go of")
        trainer.stdin.write("5\n")
        trainer.stdin.flush()
        received += [ids for _, ids in json.loads(line_of(trainer))]
        wait_for_rest(daemon, seen)
        assert len(status_of(stage)["sessions"]) == 1, "it keeps its place"
        evicted = run_sluice("cache", "evict", "web", "--socket", str(stage.socket))
        assert evicted.returncode == 0, evicted.stderr
        eventually(lambda: status_of(stage)["cache"]["unlinking"] == 0, "evicted bytes still count")
    trainer.kill()
    trainer.wait()
    stage.save(stage.configuration({"web": {"local": str(stage.files / "web")}}))
    assert received == planned(stage, "all", ranks=1)[0][: len(received)]


def wait_for_rest(daemon: Daemon, seen: int) -> None:
    """Wait until an idle client's files are let go of once more, and closed."""
    eventually(lambda: daemon.log_text().count("idle: files let go of") > seen, "nothing was let go of")
    descriptors = Path(f"/proc/{daemon.pid}/fd")
    eventually(lambda: not any(map(is_shard, descriptors.iterdir())), "the daemon still has shards open")


def is_shard(path: Path) -> bool:
    """Whether an open file is one of the cache's shards; files come and go while they are looked at."""
    try:
        return "/cache/shards/" in str(path.readlink())
    except FileNotFoundError:
        return False


def test_a_user_who_is_not_named_is_turned_away(stage: Stage) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    stage.write("web", 100)
    stage.directory.chmod(0o755)
    configuration = stage.configuration({"web": stage.remote("web")}, access={"users": [4711]})
    configuration["socket"]["mode"] = "0666"
    stage.start(configuration)

    def as_user(user: int, code: str) -> subprocess.CompletedProcess[str]:
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", sys.executable, "-c", code]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    hello = (
        "import socket, struct\n"
        f"s = socket.socket(socket.AF_UNIX); s.connect({str(stage.socket)!r})\n"
        "payload = struct.pack('<IHHII', 0x43554C53, 1, 1, 0, 1) + struct.pack('<I', 1) + b'x'\n"
        "try: s.sendall(struct.pack('<IHHQ', len(payload), 1, 0, 1) + payload)\n"
        "except BrokenPipeError: pass\n"
        "print(s.recv(4096))\n"
    )
    allowed = as_user(4711, hello)
    assert "sluiced" in allowed.stdout, allowed
    refused = as_user(4712, hello)
    assert "user 4712 may not use this daemon" in refused.stdout, refused
    assert "access.users" in refused.stdout
    admin = as_user(
        4711,
        hello
        + "payload = struct.pack('<I', 6) + b'reload' + struct.pack('<I', 0)\n"
        + "s.sendall(struct.pack('<IHHQ', len(payload), 11, 0, 2) + payload); print(s.recv(4096))\n",
    )
    assert "reload needs admin rights" in admin.stdout, admin
