"""The daemon under a service manager: activation, readiness, status, watchdog, reload, stop, as systemd does them."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed.certificates import trusting
from testbed.daemon import Daemon, dying_with_us, health, program
from testbed.file_server import Fault
from testbed.fixtures import Stage
from testbed.operations import run_sluice
from testbed.supervision import NotifySocket, activated, listen, service_environment


@dataclass
class Service:
    """A stage whose daemon runs as a unit would have it run."""

    stage: Stage
    notify: NotifySocket

    def start(
        self,
        configuration: dict[str, Any],
        *,
        listeners: list[socket.socket] | None = None,
        watchdog_seconds: float | None = None,
    ) -> Daemon:
        """Start the daemon with the descriptors and the environment of a unit."""
        listeners = listeners or []
        path = self.stage.save(configuration)
        command = activated([str(program("sluiced")), "--config", str(path)], listeners)
        command = trusting(self.stage.trust, dying_with_us(command))
        names = ["sluice"] * len(listeners)
        log = self.stage.directory / "sluiced.log"
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={
                    **service_environment(self.notify, names=names, watchdog_seconds=watchdog_seconds),
                    **unit_environment(),
                },
                pass_fds=[listener.fileno() for listener in listeners],
            )
        daemon = Daemon(process, self.stage.socket, log)
        self.stage.daemons.append(daemon)
        return daemon


def unit_environment() -> dict[str, str]:
    """What the unit's Environment= lines set."""
    unit = (Path(__file__).resolve().parents[2] / "systemd/sluiced.service").read_text()
    return dict(re.findall(r"^Environment=(\w+)=(.*)$", unit, re.MULTILINE))


@pytest.fixture
def service(stage: Stage) -> Iterator[Service]:
    """A stage with one stream, and a manager that listens."""
    stage.write("web", 60)
    notify = NotifySocket(stage.directory / "notify")
    with contextlib.closing(notify):
        yield Service(stage, notify)


def configuration(service: Service) -> dict[str, Any]:
    return service.stage.configuration({"web": service.stage.remote("web")})


def test_ready_only_when_serving(service: Service) -> None:
    gate = threading.Event()
    service.stage.server.fail("web/index.json", Fault(hold=gate, times=1))
    daemon = service.start(configuration(service))
    assert service.notify.silent_for("READY", 1.5)
    gate.set()
    ready = service.notify.wait_ready()
    assert ready.sender == daemon.pid
    assert health(service.stage.socket).returncode == 0
    assert any(message.fields.get("STATUS") for message in service.notify.messages)


def test_socket_activation(service: Service) -> None:
    path = service.stage.socket
    with contextlib.closing(listen(path)) as listener, socket.socket(socket.AF_UNIX) as early:
        # Connected before the daemon exists: the manager's queue holds it.
        early.connect(str(path))
        inode = path.stat().st_ino
        daemon = service.start(configuration(service), listeners=[listener])
        service.notify.wait_ready()
        assert health(path).returncode == 0
        assert daemon.stop() == 0
        assert path.exists(), "the socket is the manager's: a daemon that ends leaves it"
        assert path.stat().st_ino == inode
        # A restart takes the same socket again.
        service.start(configuration(service), listeners=[listener])
        service.notify.wait_ready()
        assert health(path).returncode == 0


def test_descriptors_meant_for_another_process_are_left_alone(service: Service) -> None:
    environment = {**service_environment(service.notify), "LISTEN_FDS": "1", "LISTEN_PID": "1"}
    service.stage.start(configuration(service), environment=environment)
    assert health(service.stage.socket).returncode == 0


def test_the_watchdog_is_fed_and_its_loss_is_seen(service: Service) -> None:
    daemon = service.start(configuration(service), watchdog_seconds=2)
    service.notify.wait_ready()
    for _ in range(3):
        service.notify.wait_for(lambda fields: fields.get("WATCHDOG") == "1", 2)
    daemon.process.send_signal(signal.SIGSTOP)
    # What was sent before the stop may still be in the queue.
    while service.notify.receive(0):
        pass
    assert service.notify.silent_for("WATCHDOG", 2), "a hung daemon is a silent one"
    daemon.process.send_signal(signal.SIGABRT)
    daemon.process.send_signal(signal.SIGCONT)
    assert daemon.process.wait(20) == -signal.SIGABRT


def test_reload_is_announced(service: Service) -> None:
    daemon = service.start(configuration(service))
    service.notify.wait_ready()
    service.stage.write("code", 40)
    streams = {name: service.stage.remote(name) for name in ("web", "code")}
    service.stage.save(service.stage.configuration(streams))
    daemon.process.send_signal(signal.SIGHUP)
    reloading = service.notify.wait_for(lambda fields: fields.get("RELOADING") == "1")
    assert int(reloading.fields["MONOTONIC_USEC"]) > 0
    service.notify.wait_ready()
    assert "code" in status(service.stage)


def test_a_bad_file_keeps_the_old_configuration(service: Service) -> None:
    daemon = service.start(configuration(service))
    service.notify.wait_ready()
    (service.stage.directory / "sluiced.yaml").write_text("streams: {web: {remotee: 3}}\n")
    daemon.process.send_signal(signal.SIGHUP)
    service.notify.wait_for(lambda fields: fields.get("RELOADING") == "1")
    # notify-reload must hear the end of every reload, of a failed one too.
    service.notify.wait_ready()
    assert daemon.process.poll() is None
    assert health(service.stage.socket).returncode == 0
    assert "remotee" in daemon.log_text()
    answer = run_sluice("reload", "--socket", str(service.stage.socket))
    assert answer.returncode != 0
    assert "remotee" in answer.stdout + answer.stderr


def test_stopping_is_announced_and_clean(service: Service) -> None:
    daemon = service.start(configuration(service))
    service.notify.wait_ready()
    daemon.process.send_signal(signal.SIGTERM)
    service.notify.wait_for(lambda fields: fields.get("STOPPING") == "1")
    assert daemon.process.wait(30) == 0
    assert not service.stage.socket.exists(), "a socket of its own goes with the daemon"


def test_a_refused_configuration_is_exit_status_78(service: Service) -> None:
    broken = configuration(service)
    broken["streams"]["web"]["remotee"] = "x"
    daemon = service.start(broken)
    assert daemon.process.wait(30) == 78
    text = daemon.log_text()
    assert "remotee" in text
    assert "sluiced.yaml" in text


def status(stage: Stage) -> list[str]:
    """The names of the streams that the daemon has."""
    answer = run_sluice("status", "--socket", str(stage.socket), "--json")
    assert answer.returncode == 0, answer.stderr
    return [stream["name"] for stream in json.loads(answer.stdout)["streams"]]
