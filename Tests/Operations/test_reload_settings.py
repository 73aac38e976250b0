"""What a reload says it applied is applied: the settings that matter, each shown by what the daemon then does."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from EndToEnd import wire
from EndToEnd.wire import Connection, Refused
from Operations.reloading import drain_epoch, opened, reload, start, status, wait_until
from testbed.daemon import health
from testbed.file_server import Fault
from testbed.fixtures import Stage
from testbed.operations import run_sluice

DEADLINE, TOO_MANY_CONNECTIONS, TOO_MUCH, NOT_PERMITTED = 35, 40, 42, 44


def refuses_beyond(stage: Stage, held: int) -> bool:
    """Whether another connection is refused while so many are open."""
    with contextlib.ExitStack() as stack:
        for _ in range(held):
            stack.enter_context(Connection(stage.socket))
        with Connection(stage.socket) as another:
            try:
                another.ask(wire.OPEN, wire.open_dataset("all"))
            except Refused as refused:
                return refused.code == TOO_MANY_CONNECTIONS
    return False


def test_limits_connections(stage: Stage) -> None:
    configuration = start(stage, limits={"connections": 2})
    with Connection(stage.socket), Connection(stage.socket):
        assert health(stage.socket).returncode == 0, "the probe has its own allowance"
        assert run_sluice("status", "--socket", str(stage.socket)).returncode != 0
    # A place is free a moment after its client has gone.
    wait_until(lambda: not refuses_beyond(stage, 1))
    wait_until(lambda: refuses_beyond(stage, 2))
    configuration["limits"] = {"connections": 3}
    wait_until(lambda: not refuses_beyond(stage, 1))
    reload(stage, configuration, "applied: limits.connections")
    wait_until(lambda: not refuses_beyond(stage, 2))
    configuration["limits"] = {"connections": 1}
    reload(stage, configuration)
    wait_until(lambda: refuses_beyond(stage, 1))


def test_cache_limit(stage: Stage) -> None:
    configuration = start(stage)
    drain_epoch(stage)
    used = status(stage)["cache"]["used"]
    configuration["cache"]["limit"] = used // 2
    reload(stage, configuration, "applied: cache.limit")
    wait_until(lambda: status(stage)["cache"]["used"] <= used // 2)
    assert status(stage)["cache"]["limit"] == used // 2
    assert status(stage)["cache"]["evictions"] > 0


def test_cache_reserve_and_a_full_disk(stage: Stage) -> None:
    """With more to be kept free than there is the disk is nearly full: degraded, not dead; and it passes."""
    configuration = start(stage)
    drain_epoch(stage)
    configuration["cache"]["reserve"] = "1000tb"
    reload(stage, configuration, "applied: cache.reserve")
    wait_until(lambda: health(stage.socket).returncode == 3)
    answer = health(stage.socket, "--json")
    assert "nearly full" in json.loads(answer.stdout)["detail"]
    assert health(stage.socket, "--ready").returncode == 0, "what is cached is served"
    configuration["cache"]["reserve"] = "1mb"
    reload(stage, configuration)
    wait_until(lambda: health(stage.socket).returncode == 0)


def test_log_level(stage: Stage) -> None:
    configuration = start(stage, log={"format": "json"})
    log = stage.daemons[0].log_text
    drain_epoch(stage)
    assert '"level":"debug"' not in log()
    configuration["log"]["level"] = "debug"
    reload(stage, configuration, "applied: log.level")
    drain_epoch(stage)
    wait_until(lambda: '"level":"debug"' in log())
    configuration["log"]["level"] = "error"
    reload(stage, configuration)
    # What was on its way at the old level has been written once the reload has answered and a request been served.
    drain_epoch(stage)
    length = len(log())
    drain_epoch(stage)
    assert not [line for line in log()[length:].splitlines() if '"level":"error"' not in line]


def test_wait_seconds(stage: Stage) -> None:
    configuration = start(stage)
    gate = threading.Event()
    for shard in (stage.files / "web").glob("*.mds"):
        stage.server.fail(f"web/{shard.name}", Fault(hold=gate))
    configuration["wait_seconds"] = 1
    reload(stage, configuration, "applied: wait_seconds")
    with Connection(stage.socket) as client:
        session = opened(client)
        with pytest.raises(Refused) as refused:
            client.ask(wire.BATCH, wire.batch(session, 0, 0, mode=1))
    assert refused.value.code == DEADLINE
    gate.set()


def test_pauses_between_attempts(stage: Stage) -> None:
    """The stream is loaded, its provider made: a shard that fails once is asked for again after the new pause."""
    configuration = start(stage, transfer={"retry_seconds": 50, "retry_maximum_seconds": 50})
    drain = sorted((stage.files / "web").glob("*.mds"))
    for shard in drain:
        stage.server.fail(f"web/{shard.name}", Fault(status=500, times=1))
    configuration["transfer"] = {"retry_seconds": 0.05, "retry_maximum_seconds": 0.1}
    reload(stage, configuration, "transfer.retry_seconds", "transfer.retry_maximum_seconds")
    began = time.monotonic()
    drain_epoch(stage)
    assert time.monotonic() - began < 25
    assert status(stage)["transfer"]["retries"]


def test_deadline_of_an_attempt(stage: Stage) -> None:
    configuration = start(stage)
    gate = threading.Event()
    for shard in (stage.files / "web").glob("*.mds"):
        stage.server.fail(f"web/{shard.name}", Fault(hold=gate))
    configuration["transfer"] = {"deadline_seconds": 1, "retry_seconds": 0.05}
    reload(stage, configuration, "transfer.deadline_seconds")
    with Connection(stage.socket) as client:
        session = opened(client)
        client.send(wire.BATCH, wire.batch(session, 0, 0, mode=1))
        wait_until(lambda: "deadline" in json.dumps(status(stage)["transfer"]["retries"]))
    gate.set()


def test_downloads_at_once(stage: Stage) -> None:
    configuration = start(stage, transfer={"downloads": 1})
    gate = threading.Event()
    for shard in (stage.files / "web").glob("*.mds"):
        stage.server.fail(f"web/{shard.name}", Fault(hold=gate))
    with Connection(stage.socket) as client:
        opened(client)
        wait_until(lambda: len(status(stage)["transfer"]["active"]) == 1)
        configuration["transfer"] = {"downloads": 3}
        reload(stage, configuration, "applied: transfer.downloads")
        wait_until(lambda: len(status(stage)["transfer"]["active"]) == 3)
        gate.set()


# Says hello as somebody else and prints the code of the refusal, 0 for a welcome.
AS_NOBODY = """
import sys
from pathlib import Path
from EndToEnd.wire import HELLO, Connection, Refused, hello
connection = Connection(Path(sys.argv[1]), greet=False)
try:
    connection.ask(HELLO, hello())
    print(0)
except Refused as error:
    print(error.code)
except BrokenPipeError:  # turned away before it could say hello
    print(connection.refusal().code)
"""


def as_nobody(stage: Stage) -> int:
    tests = Path(__file__).resolve().parents[1]
    command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", sys.executable, "-c", AS_NOBODY]
    answer = subprocess.run(
        [*command, str(stage.socket)],
        env={**os.environ, "PYTHONPATH": str(tests), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert answer.returncode == 0, answer.stderr
    return int(answer.stdout)


@pytest.mark.skipif(os.geteuid() != 0, reason="another user's connection needs root to make")
def test_access(stage: Stage) -> None:
    stage.directory.chmod(0o755)
    configuration = start(stage, access={"users": [0]})
    configuration["socket"]["mode"] = "0666"
    stage.daemons[0].stop()
    stage.start(configuration)
    assert as_nobody(stage) == NOT_PERMITTED
    configuration["access"] = {"users": [0, 65534]}
    reload(stage, configuration, "applied: access.users")
    assert as_nobody(stage) == 0
    configuration["access"] = {"users": [0]}
    reload(stage, configuration)
    assert as_nobody(stage) == NOT_PERMITTED


def test_limits_of_a_request_are_for_new_connections(stage: Stage) -> None:
    configuration = start(stage)
    with Connection(stage.socket) as old:
        session = opened(old)
        configuration["limits"] = {"batch_samples": 8, "frame_bytes": "4kb"}
        reload(stage, configuration, "applied to new connections: limits.frame_bytes, limits.batch_samples")
        old.ask(wire.BATCH, wire.batch(session, 0, 0, count=2, mode=1))
        with Connection(stage.socket) as new:
            session = opened(new)
            with pytest.raises(Refused) as refused:
                new.ask(wire.BATCH, wire.batch(session, 0, 0, count=2, mode=1))
            assert refused.value.code == TOO_MUCH
            with pytest.raises(Refused) as refused:
                new.ask(wire.OPEN, wire.open_dataset("x" * 5000))
            assert refused.value.code == wire.TOO_LONG


def test_what_waits_for_a_restart_is_told(stage: Stage) -> None:
    configuration = start(stage)
    configuration["cache"]["verify_on_start"] = True
    configuration["plans"] = {"directory": str(stage.directory / "plans")}
    reload(stage, configuration, "in force after a restart: cache.verify_on_start, plans.directory")
    assert not (stage.directory / "plans").exists()
