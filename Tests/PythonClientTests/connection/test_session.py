"""A session through losses, refusals, forks and bad frames."""

from __future__ import annotations

import logging
import os
import pickle
import socket
import struct
import threading
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import sluice
from sluice import errors
from sluice.batch import Batch
from sluice.connection.address import Address
from sluice.connection.cancellation import Cancellation
from sluice.connection.connection import Connection
from sluice.memory import BufferPool
from sluice.session import Session
from sluice.wire.batches import Bytes
from sluice.wire.messages import OpenRequest

from PythonClientTests.fake.daemon import FakeDaemon
from PythonClientTests.fake.script import RefusalError

INLINE, DESCRIPTORS = Bytes.INLINE, Bytes.DESCRIPTORS


def open_session(daemon: FakeDaemon, how: Bytes = Bytes.DAEMON_CHOOSES, wait: float = 20.0) -> Session:
    return Session(Address(str(daemon.path), wait), OpenRequest("fixtures"), how=how)


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def expected_bytes(daemon: FakeDaemon) -> list[bytes]:
    return [sample[3] for sample in daemon.samples]


def received_bytes(batches: Iterable[Batch]) -> list[bytes]:
    return [
        batch.data[start:end].tobytes()
        for batch in batches
        for start, end in zip(batch.offsets[:-1], batch.offsets[1:], strict=True)
    ]


@pytest.mark.parametrize("how", [INLINE, DESCRIPTORS])
@pytest.mark.parametrize("split", [0, 1, 7])
def test_every_byte_arrives(daemon: FakeDaemon, how: Bytes, split: int) -> None:
    daemon.script.split_writes = split
    with open_session(daemon, how) as session:
        assert len(session) == len(daemon.samples)
        batches = list(session.batches(0))
        assert np.concatenate([batch.ids for batch in batches]).tolist() == list(range(len(daemon.samples)))
        assert received_bytes(batches) == expected_bytes(daemon)


def test_indices_only(daemon: FakeDaemon) -> None:
    with open_session(daemon) as session:
        batches = list(session.batches(0, how=Bytes.NONE))
        assert sum(len(batch) for batch in batches) == len(daemon.samples)
        assert all(len(batch.data) == 0 for batch in batches)
        last = daemon.samples[-1]
        assert (batches[-1].shards[-1], batches[-1].indices[-1]) == (last[0], last[1])


def test_samples_by_id(daemon: FakeDaemon) -> None:
    with open_session(daemon) as session:
        batch = session.samples([5, 0, 5])
        assert received_bytes([batch]) == [daemon.samples[index][3] for index in (5, 0, 5)]
        with pytest.raises(errors.NoSuchSampleError):
            session.samples([len(daemon.samples)])


def test_requests_are_pipelined(daemon: FakeDaemon) -> None:
    daemon.script.max_pipelined = 3
    daemon.script.hold_batches = threading.Event()
    with open_session(daemon) as session:
        batches = session.batches(0, depth=8)
        thread = threading.Thread(target=lambda: next(batches))
        session.epoch(0)
        thread.start()
        daemon.script.hold_batches.set()
        thread.join()
        asked = [request for kind, request in daemon.requests if kind == 5]
        assert len(asked) <= 3
        assert len(list(batches)) + 1 == session.epoch(0).batches


@pytest.mark.parametrize("how", [INLINE, DESCRIPTORS])
def test_lost_connections_are_made_anew(daemon: FakeDaemon, how: Bytes) -> None:
    daemon.script.hang_up_before_batch = {0, 3, 4}
    with open_session(daemon, how) as session:
        assert received_bytes(session.batches(0)) == expected_bytes(daemon)
    assert not daemon.script.hang_up_before_batch
    assert all(opened["expected"][0] == "feed" for opened in daemon.opens[1:])


def test_restarted_daemon(daemon: FakeDaemon) -> None:
    """The daemon goes away between two batches and comes back while the client waits."""
    with open_session(daemon, DESCRIPTORS) as session:
        batches = session.batches(0)
        received = [next(batches)]
        daemon.stop()
        threading.Timer(0.3, daemon.start).start()
        received += batches
        assert received_bytes(received) == expected_bytes(daemon)


def test_another_dataset_after_a_restart(daemon: FakeDaemon) -> None:
    with open_session(daemon) as session:
        batches = session.batches(0)
        next(batches)
        daemon.fingerprint = "beef"
        daemon.hang_up()
        with pytest.raises(errors.FingerprintError, match="gained 3 shards"):
            list(batches)


@pytest.mark.parametrize("retry", [1, 2])
def test_refusals_that_pass(daemon: FakeDaemon, retry: int) -> None:
    daemon.script.refuse_batch = {2: RefusalError(35, "shard 3 is late", retry, 10)}
    daemon.script.refuse_open = [RefusalError(46, "loading", 2, 10), RefusalError(45, "draining", 1)]
    with open_session(daemon) as session:
        assert received_bytes(session.batches(0)) == expected_bytes(daemon)
    assert not daemon.script.refuse_batch
    assert not daemon.script.refuse_open


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (32, errors.ShardError),
        (33, errors.CacheError),
        (44, errors.NotPermittedError),
        (16, errors.PlanError),
        (999, errors.DaemonError),
    ],
)
def test_refusals_that_stay(daemon: FakeDaemon, code: int, kind: type[errors.DaemonError]) -> None:
    daemon.script.refuse_batch = {1: RefusalError(code, "shard 7 of web: digest differs")}
    with open_session(daemon) as session:
        with pytest.raises(kind, match=r"^shard 7 of web: digest differs$") as caught:
            list(session.batches(0))
        assert caught.value.code == code
        assert isinstance(caught.value, errors.SluiceError)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)  # noqa: S301
        assert received_bytes(session.batches(0)) == expected_bytes(daemon)


def test_waiting_has_an_end(daemon: FakeDaemon) -> None:
    daemon.script.refuse_open = [RefusalError(46, "loading streams", 2, 5)] * 1000
    with pytest.raises(errors.DaemonError, match="loading streams"):
        open_session(daemon, wait=0.1)


def test_unknown_dataset(daemon: FakeDaemon) -> None:
    with pytest.raises(errors.UnknownDatasetError, match="there is: fixtures"):
        sluice.connect(daemon.path).open("unknown")


def test_turned_away(daemon: FakeDaemon) -> None:
    daemon.script.turn_away = RefusalError(44, "user 1234 may not use this socket")
    with pytest.raises(errors.NotPermittedError, match="1234"):
        sluice.connect(daemon.path)


def test_no_daemon(tmp_path: Path) -> None:
    path = tmp_path / "missing.sock"
    began = time.monotonic()
    with pytest.raises(errors.DaemonUnavailableError) as caught:
        sluice.connect(path, wait=0.2)
    assert time.monotonic() - began >= 0.2
    message = str(caught.value)
    assert str(path) in message
    assert "sluiced" in message
    assert "SLUICE_WAIT" in message
    assert "waited 0.2 s" in message


def test_socket_from_the_environment(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLUICE_SOCKET", str(daemon.path))
    monkeypatch.setenv("SLUICE_WAIT", "5")
    with sluice.connect() as client:
        assert client.health() == sluice.Health("ready", "well")
        assert client.status() == {"version": 1}
    monkeypatch.setenv("SLUICE_WAIT", "soon")
    with pytest.raises(sluice.SluiceError, match="SLUICE_WAIT"):
        sluice.connect()


def test_a_fork_leaves_the_parent_alone(daemon: FakeDaemon) -> None:
    """The child closes its copies, goes on by itself, and the parent's connection stays as it was."""
    with open_session(daemon, DESCRIPTORS) as session:
        batches = session.batches(0)
        first = next(batches)
        process = os.fork()
        if process == 0:
            code = 1
            try:
                rest = received_bytes(batches)
                samples = received_bytes([session.samples([3])])
                whole = expected_bytes(daemon)
                code = 0 if rest == whole[len(first) :] and samples == [whole[3]] else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0
        assert received_bytes([first]) + received_bytes(batches) == expected_bytes(daemon)


def test_cancelling_wakes_a_waiting_thread(daemon: FakeDaemon) -> None:
    daemon.script.hold_batches = threading.Event()
    with open_session(daemon) as session:
        session.epoch(0)
        cancellation = Cancellation()
        thread = threading.Thread(target=lambda: list(session.batches(0, cancellation=cancellation)))
        thread.start()
        while not any(kind == 5 for kind, _ in daemon.requests):
            time.sleep(0.001)  # the request's arrival shows nowhere else
        cancellation.cancel()
        thread.join(10)
        assert not thread.is_alive()
        daemon.script.hold_batches.set()


def test_leaving_early_and_beginning_again(daemon: FakeDaemon) -> None:
    with open_session(daemon) as session:
        for _ in range(5):
            for batch in session.batches(0):
                assert batch.number == 0
                break
        assert received_bytes(session.batches(0)) == expected_bytes(daemon)


def test_sessions_can_be_pickled(daemon: FakeDaemon) -> None:
    with open_session(daemon) as session:
        copy = pickle.loads(pickle.dumps(session))  # noqa: S301
        assert received_bytes(copy.batches(0)) == expected_bytes(daemon)


def test_warnings_reach_the_log(daemon: FakeDaemon, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "sluice"), open_session(daemon) as session:
        assert session.info.warnings == ()


def answer_hello_with(path: Path, answer: bytes) -> threading.Thread:
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen(1)

    def serve() -> None:
        connection, _ = listener.accept()
        connection.recv(1024)
        connection.sendall(answer)
        connection.recv(1024)
        connection.close()
        listener.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    "answer",
    [
        struct.pack("<IHHQ", 2, 0x8001, 0, 1) + b"xx",
        struct.pack("<IHHQ", 0xFFFFFFF0, 0x8001, 0, 1),
        struct.pack("<IHHQ", 0, 0x8002, 0, 1),
        struct.pack("<IHHQ", 0, 0x8001, 0, 9),
        struct.pack("<IHHQ", 0, 0x8001, 5, 1),
        struct.pack("<IHHQ", 4, 0x8010, 0, 1) + struct.pack("<I", 1),
    ],
)
def test_bad_frames_are_protocol_errors(tmp_path: Path, answer: bytes) -> None:
    thread = answer_hello_with(tmp_path / "s", answer)
    with pytest.raises(errors.ProtocolError):
        Connection(str(tmp_path / "s"))
    thread.join(10)


def test_memory_is_reused_only_when_free() -> None:
    pool = BufferPool()
    first = pool.take(1000, align_at=3)
    assert (first.ctypes.data + 3) % 64 == 0
    place = first.ctypes.data
    view = first[10:20].view(np.uint16)
    del first
    second = pool.take(1000, align_at=3)
    assert second.ctypes.data != place
    del view
    assert pool.take(1000, align_at=3).ctypes.data == place
