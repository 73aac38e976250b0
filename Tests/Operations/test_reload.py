"""Reloads while trainers are served: good files are taken, bad ones refused with their reason, sessions run on."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable

import pytest

from EndToEnd import wire
from EndToEnd.wire import Connection, Refused
from testbed.daemon import health
from testbed.fixtures import Stage
from testbed.operations import run_sluice


class Load:
    """A client that drains epochs over and over, and must get the same bytes each time."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.stopping = threading.Event()
        self.rounds = 0
        self.failure: BaseException | None = None
        self.first_round = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self) -> Load:
        self.thread.start()
        assert self.first_round.wait(60)
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        self.thread.join(60)
        if self.failure:
            raise self.failure

    def run(self) -> None:
        """Drain until told to stop, on one session."""
        try:
            with Connection(self.stage.socket) as client:
                session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset("all"))[:4])[0]
                wanted: list[bytes] = []
                while not self.stopping.is_set():
                    reply = client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))
                    batches = struct.unpack("<qqI", reply[:20])[2]
                    got = [client.ask(wire.BATCH, wire.batch(session, 0, at, mode=1)) for at in range(batches)]
                    assert not wanted or got == wanted
                    wanted = got
                    self.rounds += 1
                    self.first_round.set()
        except BaseException as error:
            self.failure = error
            self.first_round.set()

    def keeps_going(self) -> bool:
        """Whether another whole epoch is served from now on."""
        before = self.rounds
        waited = threading.Event()
        for _ in range(600):
            if self.rounds > before + 1:
                return True
            if self.failure:
                return False
            waited.wait(0.05)
        return False


def reload(stage: Stage) -> tuple[int, str]:
    answer = run_sluice("reload", "--socket", str(stage.socket))
    return answer.returncode, answer.stdout + answer.stderr


def test_a_stream_and_a_dataset_are_added_and_removed(stage: Stage) -> None:
    stage.write("web", 100)
    stage.write("code", 60)
    before = stage.configuration({"web": stage.remote("web")})
    stage.start(before)
    with Load(stage) as load:
        more = stage.configuration({"web": stage.remote("web"), "code": stage.remote("code")}, before["datasets"])
        more["datasets"]["mine"] = {"streams": [{"stream": "code"}], "batch_size": 4}
        stage.save(more)
        status, said = reload(stage)
        assert status == 0, said
        with Connection(stage.socket) as client:
            client.ask(wire.OPEN, wire.open_dataset("mine"))
        stage.save(stage.configuration({"web": stage.remote("web")}))
        status, said = reload(stage)
        assert status == 0, said
        with Connection(stage.socket) as client, pytest.raises(Refused) as refused:
            client.ask(wire.OPEN, wire.open_dataset("mine"))
        assert refused.value.code == wire.UNKNOWN_DATASET
        assert load.keeps_going()


def unknown_key(stage: Stage) -> str:
    return stage.save(stage.configuration({"web": stage.remote("web", remotee="x")})).read_text()


@pytest.mark.parametrize(
    ("text", "clue"),
    [
        pytest.param(unknown_key, "remotee", id="unknown key"),
        pytest.param(lambda _: "streams: [", "sluiced.yaml", id="not YAML"),
        pytest.param(lambda _: "", "cache", id="empty"),
    ],
)
def test_a_bad_file_is_refused_and_the_old_one_serves_on(stage: Stage, text: Callable[[Stage], str], clue: str) -> None:
    stage.write("web", 100)
    daemon = stage.start(stage.configuration({"web": stage.remote("web")}))
    with Load(stage) as load:
        (stage.directory / "sluiced.yaml").write_text(text(stage))
        status, said = reload(stage)
        assert status != 0
        assert clue in said
        assert load.keeps_going()
    assert health(stage.socket).returncode == 0
    assert daemon.process.poll() is None


def test_a_session_keeps_the_stream_it_opened(stage: Stage) -> None:
    stage.write("web", 100)
    stage.write("code", 60)
    stage.start(stage.configuration({"web": stage.remote("web")}))
    with Load(stage) as load:
        other = stage.configuration({"code": stage.remote("code")})
        other["datasets"] = {"other": {"streams": [{"stream": "code"}], "batch_size": 4}}
        stage.save(other)
        status, said = reload(stage)
        assert status == 0, said
        assert load.keeps_going(), "what is removed stays for those who have it open"
