"""The main job: real daemon, real TLS server, two real Python processes, one mixed epoch, sample by sample."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy
import pytest

from testbed.daemon import dying_with_us, program
from testbed.fixtures import Stage, numbered_samples

WEB, CODE = 400, 240


@dataclass(frozen=True)
class Drained:
    """What one rank's process reported: its batches, in order."""

    batches: list[dict[str, Any]]

    @property
    def ids(self) -> list[list[int]]:
        return [batch["ids"] for batch in self.batches]


def drain(stage: Stage, dataset: str, epoch: int = 0, ranks: int = 2) -> list[Drained]:
    """Run every rank's process through an epoch, all at once."""
    trainer = str(Path(__file__).with_name("trainer.py"))
    processes = [
        subprocess.Popen(
            dying_with_us([sys.executable, trainer, str(stage.socket), dataset, str(epoch), str(rank), str(ranks)]),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(ranks)
    ]
    drained = []
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
        drained.append(Drained([json.loads(line) for line in output.splitlines()]))
    return drained


def planned(stage: Stage, dataset: str, epoch: int = 0, ranks: int = 2) -> list[list[list[int]]]:
    """For each rank, its batches as `sluice plan` says they will be."""
    output = stage.directory / f"plan-{epoch}"
    command = [str(program("sluice")), "plan", "--config", str(stage.directory / "sluiced.yaml"), "--dataset", dataset]
    command += ["--nodes", "1", "--ranks-per-node", str(ranks), "--workers-per-rank", "1", "--epoch", str(epoch)]
    command += ["--json", "--output", str(output)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert answer.returncode == 0, answer.stderr
    tensor = numpy.frombuffer(output.read_bytes(), "<i8").reshape(json.loads(answer.stdout)["shape"])
    return [
        [[int(sample) for sample in batch if sample >= 0] for batch in tensor[0, rank, 0] if (batch >= 0).any()]
        for rank in range(ranks)
    ]


@pytest.fixture
def mixed(stage: Stage) -> Stage:
    """Two streams by https, mixed 0.25 to 0.75."""
    stage.write("web", WEB)
    stage.write("code", CODE, size=2400)
    parts = [{"stream": "code", "proportion": 0.25}, {"stream": "web", "proportion": 0.75}]
    mix = {"streams": parts, "batch_size": 8, "shuffle": True, "shuffle_seed": 7}
    # `sluice plan` loads the indexes too, from where this process can: the directory behind the server.
    streams = {"code": stage.remote("code"), "web": stage.remote("web")}
    stage.start(stage.configuration(streams, {"mix": mix}))
    local = {name: {"local": str(stage.files / name)} for name in streams}
    stage.save({**stage.configuration(local, {"mix": mix})})
    return stage


def test_two_processes_drain_a_mixed_epoch(mixed: Stage) -> None:
    ranks = drain(mixed, "mix")
    content = {
        name: list(numbered_samples(name, *size)) for name, size in {"code": (CODE, 2400), "web": (WEB, 600)}.items()
    }
    first = {"code": 0, "web": CODE}
    for rank in ranks:
        for batch in rank.batches:
            for sample, stream, values in zip(batch["ids"], batch["streams"], batch["samples"], strict=True):
                index = values["index"]
                assert sample == first[stream] + index
                assert values == content[stream][index]
    assert [rank.ids for rank in ranks] == planned(mixed, "mix")
    drawn = Counter(stream for rank in ranks for batch in rank.batches for stream in batch["streams"])
    assert drawn["code"] / drawn.total() == pytest.approx(0.25, abs=0.01)


def test_each_shard_is_downloaded_once_for_all_ranks_and_epochs(mixed: Stage) -> None:
    first = drain(mixed, "mix", epoch=0)
    second = drain(mixed, "mix", epoch=1)
    asked = Counter(exchange.path for exchange in mixed.server.exchanges if exchange.bytes)
    assert set(asked.values()) == {1}, asked
    assert [rank.ids for rank in first] != [rank.ids for rank in second]
    assert [rank.ids for rank in second] == planned(mixed, "mix", epoch=1)


def test_asking_again_gives_the_same_answer(mixed: Stage) -> None:
    assert drain(mixed, "mix") == drain(mixed, "mix")


def test_a_restart_adopts_what_is_there(mixed: Stage) -> None:
    before = drain(mixed, "mix")
    shards = {path.name for path in (mixed.files / "web").glob("*.mds")}
    assert mixed.daemons[-1].stop() == 0
    asked = len(mixed.server.exchanges)
    mixed.start(
        mixed.configuration(
            {"code": mixed.remote("code"), "web": mixed.remote("web")},
            json.loads((mixed.directory / "sluiced.yaml").read_text())["datasets"],
        )
    )
    assert drain(mixed, "mix") == before
    again = [exchange for exchange in mixed.server.exchanges[asked:] if exchange.path.split("/")[-1] in shards]
    assert not again, "committed shards are adopted, not downloaded anew"
    assert not list(mixed.directory.glob("**/*.tmp"))


def test_a_directory_serves_without_a_network(stage: Stage) -> None:
    directory = stage.write("web", 100)
    before = sorted(path.name for path in directory.iterdir())
    stage.start(stage.configuration({"web": {"local": str(directory)}}))
    ranks = drain(stage, "all")
    assert sorted(sample for rank in ranks for batch in rank.ids for sample in batch)[:3] == [0, 1, 2]
    assert not stage.server.exchanges
    assert sorted(path.name for path in directory.iterdir()) == before, "what is only local is read in place"
