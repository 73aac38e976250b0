"""What the daemon writes: journald's native fields under systemd, JSON on request, few lines in a flood, no secrets."""

from __future__ import annotations

import json
import re
import shlex
import socket
import struct
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from EndToEnd import wire
from EndToEnd.wire import Connection, Refused
from testbed.daemon import Daemon, health
from testbed.file_server import Fault
from testbed.fixtures import Stage
from testbed.operations import free_port, run_sluice

# Like records that pass in ten seconds: FloodGate's burst.
BURST = 20


@dataclass
class Journal:
    """journald's socket, with us behind it."""

    directory: Path
    socket: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self.directory.mkdir()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(self.directory / "socket"))
        self.socket.settimeout(30)

    def record(self) -> dict[str, str]:
        """The next record."""
        return parse(self.socket.recv(1 << 16))

    def wait_for(self, message: str) -> dict[str, str]:
        """The next record whose message begins so."""
        while True:
            record = self.record()
            if record["MESSAGE"].startswith(message):
                return record


def parse(datagram: bytes) -> dict[str, str]:
    """Read a record of journald's native protocol: NAME=value lines, or NAME, a length and bytes."""
    fields: dict[str, str] = {}
    while datagram:
        line, _, datagram = datagram.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            length = struct.unpack("<Q", datagram[:8])[0]
            value, datagram = datagram[8 : 8 + length], datagram[9 + length :]
        fields[name.decode()] = value.decode()
    return fields


@pytest.fixture
def journal(stage: Stage) -> Iterator[Journal]:
    """A journald of our own."""
    journal = Journal(stage.directory / "journal")
    yield journal
    journal.socket.close()


def start_under_journald(stage: Stage, journal: Journal, configuration: dict[str, Any]) -> Daemon:
    """Start the daemon as a service whose standard error is the journal, which lies where systemd has it."""
    place = "/run/systemd/journal"
    mounts = (
        f"mount -t tmpfs none /run && mkdir -p {place} && "
        f"mount --bind {shlex.quote(str(journal.directory))} {place} && "
        # It names the device and inode of what standard error is.
        'export JOURNAL_STREAM="$(stat -Lc %d:%i /proc/self/fd/2)"'
    )
    return stage.start(configuration, mounts=mounts)


def test_the_journal_has_fields_to_search_by(stage: Stage, journal: Journal) -> None:
    shards = sorted(stage.write("web", 60).glob("*.mds"))
    for shard in shards:
        stage.server.fail(f"web/{shard.name}", Fault(status=404))
    configuration = stage.configuration({"web": stage.remote("web", download_retry=1)})
    daemon = start_under_journald(stage, journal, configuration)
    loaded = journal.wait_for("stream loaded")
    assert loaded["PRIORITY"] == "6"
    assert loaded["SYSLOG_IDENTIFIER"] == "sluiced"
    assert loaded["SLUICE_STREAM"] == "web"
    with Connection(stage.socket) as client:
        session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset("all", ranks=2, rank=1))[:4])[0]
        opened = journal.wait_for("session opened")
        assert (opened["SLUICE_DATASET"], opened["SLUICE_RANK"]) == ("all", "1")
        assert int(opened["SLUICE_SESSION"]) > 0
        client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))
        with pytest.raises(Refused):
            client.ask(wire.BATCH, wire.batch(session, 0, 0, mode=1))
    failed = journal.wait_for("shard failed")
    assert failed["PRIORITY"] == "4"
    assert failed["SLUICE_STREAM"] == "web"
    assert failed["SLUICE_SHARD"] in {shard.name for shard in shards}
    assert failed["SLUICE_ATTEMPT"] == "1"
    refused = journal.wait_for("request failed")
    assert refused["PRIORITY"] == "3"
    assert refused["SLUICE_SESSION"] == opened["SLUICE_SESSION"]
    assert (refused["SLUICE_DATASET"], refused["SLUICE_RANK"], refused["SLUICE_STREAM"]) == ("all", "1", "web")
    assert refused["SLUICE_SHARD"].endswith(".mds")
    assert daemon.log_text() == "", "nothing is said twice"


def test_json_is_an_object_a_line(stage: Stage) -> None:
    stage.write("web", 60)
    daemon = stage.start(stage.configuration({"web": stage.remote("web")}, log={"format": "json", "level": "trace"}))
    with Connection(stage.socket) as client:
        client.ask(wire.OPEN, wire.open_dataset("all"))
        with pytest.raises(Refused):
            client.ask(wire.OPEN, wire.open_dataset('no\nsuch "thing" \x1b[31m'))
    daemon.stop()
    records = [json.loads(line) for line in daemon.log_text().splitlines()]
    assert len(records) > 5
    for record in records:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"])
        assert record["level"] in {"trace", "debug", "info", "notice", "warning", "error", "critical"}
        assert record["message"]
    assert any('such \\"thing' in json.dumps(record) for record in records)


def test_text_is_an_event_a_line(stage: Stage) -> None:
    stage.write("web", 60)
    daemon = stage.start(stage.configuration({"web": stage.remote("web")}, log={"format": "text"}))
    with Connection(stage.socket) as client, pytest.raises(Refused):
        client.ask(wire.OPEN, wire.open_dataset("no\nsuch thing"))
    daemon.stop()
    for line in daemon.log_text().splitlines():
        assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z (INFO|NOTICE|WARNING|ERROR) \S", line), line


def test_a_flood_is_counted_not_written(stage: Stage) -> None:
    stage.write("web", 60)
    daemon = stage.start(stage.configuration({"web": stage.remote("web")}, log={"format": "json"}))
    with Connection(stage.socket) as client:
        for number in range(500):
            with pytest.raises(Refused):
                client.ask(wire.OPEN, wire.open_dataset(f"nothing {number}"))
    daemon.stop()
    records = [json.loads(line) for line in daemon.log_text().splitlines()]
    refused = [record for record in records if record["message"] == "request refused"]
    # A slow machine may need more than one interval of ten seconds for it.
    assert BURST <= len(refused) <= 5 * BURST
    assert any(record["message"] == "stopping" for record in records), "other messages are not held back for it"
    counted = sum(int(record.get("like_it_before", 0)) for record in records)
    held = [int(record["held"]) for record in records if record["message"] == "like records held back"]
    assert len(refused) + counted + sum(held) == 500


SECRETS = {
    "s3 key": "SeCrEtKeY0123456789abcdefABCDEF/+topsecret",
    "s3 session": "SeCrEtSeSsIoN==token",
    "header": "SeCrEtHeAdEr-bearer",
    "signature": "SeCrEtSiGnAtUrE%2Fsas",
    "hub": "hf_SeCrEtHuBtOkEn",
}


def streams_with_secrets(stage: Stage) -> dict[str, dict[str, Any]]:
    """Streams with every way to give a credential, good and bad ones."""
    for name in ("bucket/pile", "web", "container/signed"):
        stage.write(name, 40)
    for shard in (stage.files / "container/signed").glob("*.mds"):
        stage.server.fail(f"container/signed/{shard.name}", Fault(status=403, body=b"denied"))
    keys, token, signature = (stage.directory / name for name in ("keys.json", "token", "sas"))
    document = {
        "access_key_id": "AKIAVISIBLE",
        "secret_access_key": SECRETS["s3 key"],
        "session_token": SECRETS["s3 session"],
    }
    keys.write_text(json.dumps(document))
    token.write_text(SECRETS["hub"])
    signature.write_text(f"sv=2024-11-04&sp=r&sig={SECRETS['signature']}")
    endpoint = stage.server.url
    s3 = {
        "with": {"endpoint": endpoint, "path_style": True, "region": "us-east-1"},
        "credentials": {"file": str(keys)},
    }
    azure = {"with": {"endpoint": endpoint}, "credentials": {"file": str(signature)}}
    hub = {"with": {"endpoint": endpoint}, "credentials": {"file": str(token)}}
    streams: dict[str, dict[str, Any]] = {
        "s3": {"remote": "s3://bucket/pile", **s3},
        "bad": {"remote": "s3://bucket/gone", **s3},
        "web": stage.remote("web", **{"with": {"headers": {"X-Token": SECRETS["header"]}}}),
        "signed": {"remote": "azure://account.blob.core.windows.net/container/signed", **azure},
        "badsigned": {"remote": "azure://account.blob.core.windows.net/container/gone", **azure},
        "hub": {"remote": "hf://datasets/some/thing/path", **hub},
    }
    return {name: {**options, "download_retry": 1} for name, options in streams.items()}


def take_a_batch(stage: Stage, dataset: str) -> str:
    """Take one, and say how that went."""
    with Connection(stage.socket) as client:
        try:
            session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset(dataset))[:4])[0]
            client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))
            client.ask(wire.BATCH, wire.batch(session, 0, 0, mode=1))
        except Refused as refused:
            return refused.message
        return f"{dataset} was served"


def test_secrets_stay_secret(stage: Stage) -> None:
    """A run with every kind of credential, and all that the daemon says of it to anybody."""
    port = free_port()
    streams = streams_with_secrets(stage)
    datasets = {name: {"streams": [{"stream": name}], "batch_size": 4} for name in streams}
    more = {"http": {"listen": f"127.0.0.1:{port}"}, "log": {"level": "trace", "format": "json"}}
    configuration = stage.configuration(streams, datasets, **more)
    daemon = stage.start(configuration, degraded=True)
    said = []

    def ask(*command: str) -> None:
        answer = run_sluice(*command, "--socket", str(stage.socket))
        said.extend([answer.stdout, answer.stderr])

    for name in streams:
        said.append(take_a_batch(stage, name))
        said += command_lines(daemon)
        for command in (["status"], ["status", "--json"], ["why"], ["cache"], ["health", "--json"]):
            ask(*command)
    said += [get(port, path) for path in ("metrics", "status", "health")]
    stage.save({**configuration, "drain_seconds": 1, "streams": {"web": streams["web"]}})
    ask("reload")
    assert "s3 was served" in said
    assert "web was served" in said
    assert len([line for line in said if "was served" in line]) < len(streams), "some had to fail, to be told of"
    assert health(stage.socket, "--live").returncode == 0
    assert daemon.stop() == 0
    said.append(daemon.log_text())
    assert "signed" in said[-1]
    everything = "\n".join(said)
    for what, secret in SECRETS.items():
        for form in {secret, secret.split("%")[0], secret.partition("/")[0]}:
            assert form not in everything, f"the {what} was told: {context(everything, form)}"
    assert "X-Amz-Signature" not in everything


def context(text: str, part: str) -> str:
    at = text.index(part)
    return text[max(0, at - 200) : at + 80]


def command_lines(daemon: Daemon) -> list[str]:
    """The arguments of the daemon and of every process below it, as anybody on the machine can read them."""
    lines, waiting = [], [daemon.pid]
    while waiting:
        pid = waiting.pop()
        try:
            lines.append(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                waiting += [int(child) for child in children.read_text().split()]
        except OSError:
            continue  # it ended meanwhile
    assert any("sluiced" in line for line in lines)
    return lines


def get(port: int, path: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=20) as response:
            body: bytes = response.read()
    except urllib.error.HTTPError as error:
        body = error.read()
    return body.decode()
