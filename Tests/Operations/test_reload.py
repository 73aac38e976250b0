"""Reloads while trainers are served: good files are taken, bad ones refused with their reason, sessions run on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from EndToEnd import wire
from EndToEnd.wire import Connection, Refused
from Operations.load import Load
from testbed.daemon import health
from testbed.fixtures import Stage
from testbed.operations import run_sluice


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
