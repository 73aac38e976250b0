"""The daemon under a service manager: activation, readiness, status, watchdog, reload, stop, as systemd does them."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import struct
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from EndToEnd import wire
from EndToEnd.wire import Connection, Refused
from Operations.load import DRAINING, Load
from testbed.certificates import trusting
from testbed.daemon import Daemon, dying_with_us, health, program
from testbed.file_server import Fault
from testbed.fixtures import Stage
from testbed.operations import free_port, run_sluice
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


def test_a_start_that_takes_its_time_asks_for_it(service: Service) -> None:
    # A first run leaves a cache to be recovered.
    gate = threading.Event()
    first = service.start(configuration(service))
    service.notify.wait_ready()
    assert first.stop() == 0
    service.notify.messages.clear()
    while service.notify.receive(0):
        pass
    service.notify.messages.clear()
    service.stage.server.fail("web/index.json", Fault(hold=gate, times=1))
    service.start(configuration(service))
    more = service.notify.wait_for(lambda fields: "EXTEND_TIMEOUT_USEC" in fields)
    assert int(more.fields["EXTEND_TIMEOUT_USEC"]) >= 30_000_000
    service.notify.wait_for(lambda fields: "loading" in fields.get("STATUS", ""))
    assert not any("READY" in message.fields for message in service.notify.messages)
    assert any("recovering" in message.fields.get("STATUS", "") for message in service.notify.messages)
    gate.set()
    service.notify.wait_ready()


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


def test_the_watchdog_is_fed_under_full_load(service: Service) -> None:
    """Every connection is taken, and the socket lies elsewhere than the file says: the probe gets through."""
    path = service.stage.directory / "activated.sock"
    full = configuration(service) | {"limits": {"connections": 2}}
    with contextlib.closing(listen(path)) as listener:
        service.start(full, listeners=[listener], watchdog_seconds=2)
        service.notify.wait_ready()
        with Connection(path), Connection(path):
            for _ in range(4):
                service.notify.wait_for(lambda fields: fields.get("WATCHDOG") == "1", 2)
            assert health(path).returncode == 0
            with Connection(path) as third, pytest.raises(Refused):
                third.ask(wire.OPEN, wire.open_dataset("all"))


def test_reloads_under_load(service: Service) -> None:
    """A good file, a bad one and a good one again by SIGHUP, each announced to its end, while a trainer is served."""
    daemon = service.start(configuration(service))
    service.notify.wait_ready()
    stage = service.stage
    stage.write("code", 40)
    with Load(stage) as load:
        for number in range(3):
            if number % 2:
                (stage.directory / "sluiced.yaml").write_text("streams: {web: {remotee: 3}}\n")
            else:
                streams = {name: stage.remote(name) for name in ("web", "code")[: 2 - number // 2]}
                stage.save(stage.configuration(streams) | {"drain_seconds": 10 + number})
            daemon.process.send_signal(signal.SIGHUP)
            service.notify.wait_for(lambda fields: fields.get("RELOADING") == "1")
            service.notify.wait_ready()
            assert load.keeps_going()
            assert ("code" in status(stage)) == (number < 2)
    assert "remotee" in daemon.log_text()


def test_a_batch_in_flight_is_finished_and_time_for_it_asked(service: Service) -> None:
    gate = threading.Event()
    for shard in (service.stage.files / "web").glob("*.mds"):
        service.stage.server.fail(f"web/{shard.name}", Fault(hold=gate))
    port = free_port()
    daemon = service.start(configuration(service) | {"drain_seconds": 120, "http": {"listen": f"127.0.0.1:{port}"}})
    service.notify.wait_ready()
    with Connection(service.stage.socket) as client:
        session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset("all"))[:4])[0]
        client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))
        number = client.send(wire.BATCH, wire.batch(session, 0, 0, mode=1))
        with Connection(service.stage.socket) as other:
            other.ask(wire.HEALTH)
        daemon.process.send_signal(signal.SIGTERM)
        service.notify.wait_for(lambda fields: fields.get("STOPPING") == "1")
        more = service.notify.wait_for(lambda fields: "EXTEND_TIMEOUT_USEC" in fields)
        assert int(more.fields["EXTEND_TIMEOUT_USEC"]) >= 120_000_000
        # Whoever probes meanwhile is told what goes on.
        answer = health(service.stage.socket, "--json")
        assert (answer.returncode, json.loads(answer.stdout)["state"]) == (4, "draining")
        assert health(service.stage.socket, "--live").returncode == 0
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=20)
        assert refused.value.code == 503
        with Connection(service.stage.socket) as late, pytest.raises(Refused) as turned_away:
            late.ask(wire.OPEN, wire.open_dataset("all"))
        assert turned_away.value.code == DRAINING
        gate.set()
        kind, request, _ = client.receive()
        assert (kind, request) == (wire.BATCH | 0x8000, number)
    assert daemon.process.wait(30) == 0


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
