"""A daemon whose configuration is changed while it serves, for the tests of what a reload does."""

from __future__ import annotations

import json
import struct
import threading
import time
from collections.abc import Callable
from typing import Any

from EndToEnd import wire
from EndToEnd.wire import Connection
from testbed.fixtures import Stage
from testbed.operations import run_sluice

PLAIN = {"all": {"streams": [{"stream": "web"}], "batch_size": 8}}


def start(stage: Stage, **more: Any) -> dict[str, Any]:
    """A daemon that serves `web` in order; its configuration, to be changed and saved again."""
    stage.write("web", 120)
    configuration = stage.configuration({"web": stage.remote("web")}, PLAIN, **more)
    stage.start(configuration)
    return configuration


def reload(stage: Stage, configuration: dict[str, Any], *said: str) -> None:
    """Reload a changed configuration; it must say so in these words."""
    stage.save(configuration)
    answer = run_sluice("reload", "--socket", str(stage.socket))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    for words in said:
        assert words in answer.stdout, answer.stdout


def status(stage: Stage) -> Any:
    answer = run_sluice("status", "--json", "--socket", str(stage.socket))
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def wait_until(holds: Callable[[], object], seconds: float = 30) -> None:
    """Look again and again until something is so: nobody tells when."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not so after {seconds} s")
        pause.wait(0.05)


def opened(client: Connection) -> int:
    session: int = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset("all"))[:4])[0]
    client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))
    return session


def drain_epoch(stage: Stage) -> None:
    with Connection(stage.socket) as client:
        session = opened(client)
        for number in range(15):
            client.ask(wire.BATCH, wire.batch(session, 0, number, mode=1))
