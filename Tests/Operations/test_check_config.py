"""`sluiced --check-config`: says what there is, or everything that is wrong and where; --online loads the indexes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from testbed.certificates import trusting
from testbed.daemon import program
from testbed.fixtures import Stage

CONFIGURATION_REFUSED = 78


def check(file: Path, *options: str, trust: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(program("sluiced")), "--check-config", str(file), *options]
    command = trusting(trust, command) if trust else command
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_a_good_file_is_summed_up(stage: Stage) -> None:
    answer = check(stage.save(stage.configuration({"web": stage.remote("web")})))
    assert answer.returncode == 0, answer.stderr
    assert "1 streams" in answer.stdout
    assert not stage.server.exchanges, "without --online nothing is asked of anybody"


def test_every_problem_is_told_at_once_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "sluiced.yaml"
    file.write_text(
        "cahce: {directory: /tmp/x, limit: 1gb}\n"
        "streams:\n"
        "  web:\n"
        "    remotee: https://data.example.com/web\n"
        "datasets:\n"
        "  all:\n"
        "    streams: [{stream: wbe}]\n"
        "    batch_size: many\n"
    )
    answer = check(file)
    assert answer.returncode == CONFIGURATION_REFUSED
    problems = answer.stderr
    for place, clue in [(1, "cahce"), (4, "remotee"), (7, "wbe"), (8, "batch_size")]:
        assert any(f"{file}:{place}:" in line and clue in line for line in problems.splitlines()), (clue, problems)
    assert "remote" in problems.replace("remotee", "")


def test_online_tells_good_streams_from_bad(stage: Stage) -> None:
    stage.write("web", 60)
    streams = {"web": stage.remote("web"), "gone": stage.remote("gone", download_retry=1)}
    answer = check(stage.save(stage.configuration(streams)), "--online", trust=stage.trust)
    assert answer.returncode == CONFIGURATION_REFUSED
    lines = answer.stdout.splitlines()
    assert any("ok" in line and "web" in line for line in lines), answer.stdout
    assert any("BAD" in line and "gone" in line and "404" in line for line in lines), answer.stdout


@pytest.mark.parametrize("example", sorted((Path(__file__).resolve().parents[2] / "config").glob("*.yaml")), ids=str)
def test_every_example_is_a_good_file(example: Path) -> None:
    answer = check(example)
    assert answer.returncode == 0, answer.stderr
