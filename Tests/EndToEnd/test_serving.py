"""What the protocol promises, on the real daemon: ranks, devices, wide batches, activation, fair shares."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sluice
from sluice.session import Session
from sluice.wire.batches import Bytes
from sluice.world import World

from EndToEnd import wire
from EndToEnd.test_strain import eventually
from EndToEnd.wire import Connection
from testbed.certificates import trusting
from testbed.daemon import Daemon, dying_with_us, health, program
from testbed.fixtures import Stage
from testbed.supervision import activated, listen


def open_device(name: str, nodes: int, ranks: int, device: int, node: int) -> bytes:
    """Encode open's payload for a trainer that knows its node and its device there, and not its rank."""
    rank_form = wire.open_dataset(name, nodes=nodes, ranks=ranks)
    fixed = len(b"\x00" + wire.text(name) + wire.text("")) + 12
    place = b"\x01" + node.to_bytes(4, "little") + device.to_bytes(4, "little")
    return rank_form[:fixed] + place + rank_form[fixed + 9 :]


def test_a_device_of_a_node_is_a_rank(stage: Stage) -> None:
    stage.write("web", 400)
    stage.start(stage.configuration({"web": stage.remote("web")}))
    for rank in range(6):
        answers = []
        for payload in (
            wire.open_dataset("all", nodes=3, ranks=2, rank=rank),
            open_device("all", 3, 2, device=rank % 2, node=rank // 2),
        ):
            with Connection(stage.socket) as client:
                client.ask(wire.OPEN, payload)
                answers.append([client.ask(wire.BATCH, wire.batch(1, 0, number, mode=1)) for number in range(3)])
        assert answers[0] == answers[1], f"rank {rank}"
        assert len(set(answers[0])) == 3


def test_a_batch_of_more_shards_than_a_message_has_descriptors(stage: Stage) -> None:
    # A sample a shard, and a batch of nearly three messages' worth.
    stage.write("web", 700, shard_bytes=1)
    datasets = {"wide": {"streams": ["web"], "batch_size": 700, "shuffle": True}}
    stage.start(stage.configuration({"web": {"local": str(stage.files / "web")}}, datasets))
    for how in (Bytes.DESCRIPTORS, Bytes.INLINE):
        with sluice.connect(stage.socket) as client, client.open("wide", world=World(), how=how) as session:
            for epoch in range(2):
                (batch,) = list(session.batches(epoch))
                assert sorted(batch.ids.tolist()) == list(range(700))
                for sample, values in zip(batch.ids.tolist(), batch.samples(), strict=True):
                    assert values["index"] == sample


def test_with_activation_no_client_is_refused_while_the_daemon_is_away(stage: Stage) -> None:
    stage.write("web", 200)
    configuration = stage.save(stage.configuration({"web": {"local": str(stage.files / "web")}}))
    listener = listen(stage.socket)
    ended, failures, served = threading.Event(), list[str](), list[int]()

    def connect_again_and_again() -> None:
        while not ended.is_set():
            try:
                with Connection(stage.socket) as client:
                    client.ask(wire.OPEN, wire.open_dataset("all"))
                    served.append(len(client.ask(wire.BATCH, wire.batch(1, 0, len(served) % 20, mode=1))))
            except ConnectionRefusedError as error:
                failures.append(repr(error))
            except (EOFError, ConnectionError, wire.Refused):
                # Cut off in the middle by a kill, or told to come back: not refused.
                continue

    clients = [threading.Thread(target=connect_again_and_again) for _ in range(4)]

    def start() -> Daemon:
        command = activated([str(program("sluiced")), "--config", str(configuration)], [listener])
        with (stage.directory / "sluiced.log").open("ab") as log:
            process = subprocess.Popen(
                trusting(stage.trust, dying_with_us(command)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "LISTEN_FDNAMES": "sluice"},
                pass_fds=[listener.fileno()],
            )
        daemon = Daemon(process, stage.socket, stage.directory / "sluiced.log")
        stage.daemons.append(daemon)
        return daemon

    daemon = start()
    daemon.wait_ready()
    for client in clients:
        client.start()
    try:
        for restart in range(10):
            before = len(served)
            deadline = time.monotonic() + 30
            while len(served) < before + 8:
                assert time.monotonic() < deadline
                assert all(client.is_alive() for client in clients)
                threading.Event().wait(0.01)
            daemon.kill() if restart % 2 else daemon.stop()
            daemon = start()
    finally:
        ended.set()
        for client in clients:
            client.join(60)
        listener.close()
    assert not failures
    assert len(served) >= 80


def take_time(_: int) -> None:
    """Be a slow remote."""
    threading.Event().wait(0.05)


def asked_of(stage: Stage) -> list[str]:
    """The streams of the shards that the server has given, in order."""
    return [exchange.path.split("/")[0] for exchange in stage.server.exchanges if exchange.path.endswith(".mds")]


def test_a_job_that_prefetches_much_does_not_keep_another_waiting(stage: Stage) -> None:
    stage.write("large", 1500)
    stage.write("small", 120)
    # A remote that takes its time with every block, so that fetching all of the large stream takes long.
    stage.server.on_bytes = take_time
    datasets = {name: {"streams": [name], "batch_size": 8, "shuffle": True} for name in ("large", "small")}
    streams = {name: stage.remote(name) for name in datasets}
    stage.start(stage.configuration(streams, datasets, transfer={"downloads": 2}))
    shards = {name: len(list((stage.files / name).glob("*.mds"))) for name in datasets}
    assert shards["large"] > 10 * shards["small"]
    with sluice.connect(stage.socket) as client, client.open("large", world=World()) as first:
        next(iter(first.batches(0)))
        with client.open("small", world=World()) as second:
            assert sum(len(batch) for batch in second.batches(0)) == 120
        # The server takes an exchange down a moment after its last byte.
        eventually(lambda: asked_of(stage).count("small") == shards["small"], "the small stream came without asking")
    asked = asked_of(stage)
    last = len(asked) - 1 - asked[::-1].index("small")
    between = asked[asked.index("small") : last + 1].count("large")
    print(f"{shards}, {between} of the large stream while the small one was fetched")
    assert between <= 2 * shards["small"] + 4
    assert health(stage.socket).returncode == 0


def test_the_status_of_a_session_is_that_of_its_process(stage: Stage) -> None:
    stage.write("web", 100)
    stage.start(stage.configuration({"web": stage.remote("web")}))
    code = (
        "import sys, sluice\n"
        "from sluice.world import World\n"
        "with sluice.connect(sys.argv[1]) as c, c.open('all', world=World()) as s:\n"
        "  batches = iter(s.batches(0)); next(batches); next(batches)\n"
        "  print(c.status(), flush=True)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, str(stage.socket)], stdout=subprocess.PIPE, text=True)
    output, _ = process.communicate(timeout=60)
    assert f"'process': {process.pid}" in output or f'"process":{process.pid}' in output, output
    assert Path(stage.socket).is_socket()


LIMITS = {"sessions_per_connection": 2, "batch_samples": 24, "batch_bytes": 1 << 16, "descriptors_per_connection": 4}


def test_every_limit_has_its_error_and_costs_the_connection_nothing(stage: Stage) -> None:
    stage.write("web", 400, size=4000)
    stage.start(stage.configuration({"web": {"local": str(stage.files / "web")}}, limits=LIMITS))
    with Connection(stage.socket) as client:
        for number in (1, 2):
            client.ask(wire.OPEN, wire.open_dataset("all"))
            assert len(client.ask(wire.BATCH, wire.batch(number, 0, 0, mode=1))) > 8 * 4000
        refusals = [
            (wire.OPEN, wire.open_dataset("all"), "2 sessions, the most it may have"),
            (wire.BATCH, wire.batch(1, 0, 0, count=4, mode=3), "one request may have 3 batches"),
            (wire.BATCH, wire.batch(1, 0, 0, count=3, mode=1), "a reply may have 65536"),
            (wire.SAMPLE, samples(1, range(25)), "one request may have 24"),
        ]
        for kind, payload, said in refusals:
            with pytest.raises(wire.Refused) as refused:
                client.ask(kind, payload)
            assert said in refused.value.message
        assert client.ask(wire.BATCH, wire.batch(1, 0, 1, mode=1))
    with sluice.connect(stage.socket) as second, second.open("all", world=World(), how=Bytes.DESCRIPTORS) as session:
        seen = [sample for batch in session.batches(0) for sample in batch.ids.tolist()]
        assert sorted(seen) == list(range(400)), "a batch may use more shards than stay open between batches"


@pytest.mark.parametrize(("batches_of_room", "together"), [(15, 1), (47, 2), (16 * 16, 16), (None, 16)])
def test_an_epoch_says_how_many_batches_fit_one_request(
    stage: Stage, batches_of_room: int | None, together: int
) -> None:
    stage.write("web", 400, shard_bytes=1 << 13)
    configuration = stage.configuration({"web": stage.remote("web")})
    configuration["datasets"]["all"]["shuffle_algo"] = "naive"
    stage.start(configuration)
    with sluice.connect(stage.socket) as client, client.open("all") as session:
        assert session.epoch(0).together == 16, "the testbed's limit is far from these few shards"
        needed = max(len(set(batch.shards.tolist())) for batch in session.batches(0, how=Bytes.NONE))
    assert stage.daemons[-1].stop() == 0
    records = json.loads((stage.files / "web" / "index.json").read_text())["shards"]
    if batches_of_room is None:
        configuration["streams"]["web"] = {"local": str(stage.files / "web")}
        batches_of_room = 1
    size = max(record["raw_data"]["bytes"] + 4096 for record in records)
    configuration["cache"]["limit"] = batches_of_room * needed * size
    stage.start(configuration)
    with sluice.connect(stage.socket) as client, client.open("all") as session:
        assert session.epoch(0).together == together


def test_files_are_given_back_by_a_client_that_asks_for_bytes_only(stage: Stage) -> None:
    """The cache wants room back from a client whose replies bring their bytes along and so name no files."""
    stage.write("web", 400, shard_bytes=1 << 13)
    records = json.loads((stage.files / "web" / "index.json").read_text())["shards"]
    firsts = [sum(record["samples"] for record in records[:number]) for number in range(len(records))]
    configuration = stage.configuration({"web": stage.remote("web")})
    # Room for twelve shards, of which five are held; of the others nine are wanted at a time.
    configuration["cache"]["limit"] = 12 * max(record["raw_data"]["bytes"] + 4096 for record in records)
    stage.start(configuration)
    served: list[int] = []

    def need_the_others(session: Session) -> None:
        for number in range(5, len(firsts), 9):
            served.extend(session.samples(firsts[number : number + 9]).ids.tolist())

    with sluice.connect(stage.socket) as client, client.open("all") as holder, client.open("all") as other:
        holder.how = Bytes.DESCRIPTORS
        holder.samples(firsts[:5])
        lane = holder._idle[0]
        connection = lane.connection
        assert connection is not None
        assert len(connection.files) == 5
        holder.how = Bytes.INLINE
        thread = threading.Thread(target=need_the_others, args=(other,))
        thread.start()
        while thread.is_alive():
            assert holder.samples([0]).ids.tolist() == [0]
        assert served == firsts[5:]
        assert len(connection.files) < 5
        assert lane.connection is connection, "it was told, and did not have to connect anew"
        holder.how = Bytes.DESCRIPTORS
        assert holder.samples(firsts[:3]).ids.tolist() == firsts[:3]


def samples(session: int, ids: range) -> bytes:
    """Encode sample's payload, bytes inline."""
    return struct.pack("<IBI", session, 1, len(ids)) + struct.pack(f"<{len(ids)}q", *ids)


READ_ONLY = """
import errno, os, sys, sluice
from sluice.wire.batches import Bytes, encode_batch_request, ALL_WORKERS
from sluice.connection.connection import Connection
from sluice.memory import BufferPool
from sluice.wire.frames import Kind
from sluice.wire.messages import OpenReply, OpenRequest
connection = Connection(sys.argv[1])
reply = OpenReply.decode(connection.receive(connection.send(Kind.OPEN, OpenRequest(dataset="all").encode())).data)
request = encode_batch_request(reply.session, 0, ALL_WORKERS, 0, 1, Bytes.DESCRIPTORS)
connection.receive_batch(connection.send(Kind.BATCH, request), BufferPool())
(descriptor, *_) = connection.files._files.values()
def refused(action):
    try:
        action()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"
print(refused(lambda: os.pwrite(descriptor, b"x", 0)), refused(lambda: os.ftruncate(descriptor, 0)),
      refused(lambda: os.open(f"/proc/self/fd/{descriptor}", os.O_RDWR)))
"""


def test_a_passed_file_can_only_be_read(stage: Stage) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root to become another user")
    stage.write("web", 100)
    stage.directory.chmod(0o755)
    configuration = stage.configuration({"web": stage.remote("web")})
    configuration["socket"]["mode"] = "0666"
    stage.start(configuration)
    command = ["setpriv", "--reuid=4711", "--regid=4711", "--clear-groups", sys.executable, "-c", READ_ONLY]
    answer = subprocess.run([*command, stage.socket], capture_output=True, text=True, check=False, timeout=60)
    assert answer.stdout.split() == ["EBADF", "EINVAL", "EACCES"], answer
