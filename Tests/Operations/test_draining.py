"""SIGTERM with a batch in flight: it is finished; a second SIGTERM, or the deadline, ends the wait."""

from __future__ import annotations

import contextlib
import signal
import struct
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from EndToEnd import wire
from EndToEnd.wire import Connection
from testbed.daemon import Daemon
from testbed.file_server import Fault
from testbed.fixtures import Stage

DRAINING = 45


@dataclass
class InFlight:
    """A daemon that owes a client a batch, whose shard the server holds back."""

    daemon: Daemon
    client: Connection
    number: int
    gate: threading.Event


def in_flight(stage: Stage, drain_seconds: float) -> InFlight:
    """Ask for a batch that cannot be answered until the gate opens."""
    directory = stage.write("web", 120)
    gate = threading.Event()
    for shard in directory.glob("*.mds"):
        stage.server.fail(f"web/{shard.name}", Fault(hold=gate))
    daemon = stage.start(stage.configuration({"web": stage.remote("web")}, drain_seconds=drain_seconds))
    client = Connection(stage.socket)
    session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset("all"))[:4])[0]
    client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))
    number = client.send(wire.BATCH, wire.batch(session, 0, 0, mode=1))
    # The daemon has taken the request up once it has answered a later one on another connection.
    with Connection(stage.socket) as other:
        other.ask(wire.HEALTH)
    return InFlight(daemon, client, number, gate)


@pytest.fixture
def patient(stage: Stage) -> Iterator[InFlight]:
    """One whose daemon waits for long."""
    flight = in_flight(stage, drain_seconds=60)
    with flight.client:
        yield flight
        flight.gate.set()


def test_what_is_in_flight_is_finished(patient: InFlight) -> None:
    patient.daemon.process.send_signal(signal.SIGTERM)
    patient.gate.set()
    kind, request, payload = patient.client.receive()
    assert (kind, request) == (wire.BATCH | 0x8000, patient.number)
    assert len(payload) > 100
    assert patient.daemon.process.wait(30) == 0


def test_nothing_new_is_begun(patient: InFlight, stage: Stage) -> None:
    patient.daemon.process.send_signal(signal.SIGTERM)
    patient.daemon.wait_for_log("stopping")
    patient.client.send(wire.OPEN, wire.open_dataset("all"))
    patient.gate.set()
    assert patient.client.receive()[0] == wire.BATCH | 0x8000
    with contextlib.suppress(EOFError):  # it may have ended before the request was read
        assert patient.client.refusal().code == DRAINING
    assert patient.daemon.process.wait(30) == 0
    with pytest.raises(OSError, match=r"No such file|refused"):
        Connection(stage.socket)


def test_a_second_signal_ends_it_at_once(patient: InFlight) -> None:
    patient.daemon.process.send_signal(signal.SIGTERM)
    # The kernel would merge two that are pending: the first must have been taken.
    patient.daemon.wait_for_log("stopping")
    assert patient.daemon.process.poll() is None, "the first waits for what is in flight"
    patient.daemon.process.send_signal(signal.SIGTERM)
    patient.daemon.process.wait(10)
    assert not patient.gate.is_set()


def test_the_deadline_ends_it(stage: Stage) -> None:
    flight = in_flight(stage, drain_seconds=1)
    with flight.client:
        flight.daemon.process.send_signal(signal.SIGTERM)
        flight.daemon.process.wait(20)
    flight.gate.set()
    assert flight.daemon.process.returncode is not None


def test_an_idle_daemon_ends_soon(stage: Stage) -> None:
    stage.write("web", 40)
    daemon = stage.start(stage.configuration({"web": stage.remote("web")}, drain_seconds=60))
    with Connection(stage.socket) as client:
        client.ask(wire.OPEN, wire.open_dataset("all"))
        # An open session without a request under way is nothing to wait for.
        daemon.process.send_signal(signal.SIGTERM)
        assert daemon.process.wait(15) == 0
