"""A user's own kind in Swift: the example package is built as a user's would be, conforms, and is trained from."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import sluice

from testbed.daemon import Daemon
from testbed.fixtures import Stage
from testbed.operations import run_sluice

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "Tests" / "ExampleKind"
FLAGS = ["-Xswiftc", "-warnings-as-errors", "--explicit-target-dependency-import-check", "error"]
COUNT = 230


def swift(*command: str) -> subprocess.CompletedProcess[str]:
    """Run SwiftPM on the example, in the build directory of Sluice itself, whose modules it then finds built."""
    options = ["--package-path", str(PACKAGE), "--scratch-path", str(ROOT / ".build"), *FLAGS]
    return subprocess.run(["swift", *command, *options], capture_output=True, text=True, check=False, timeout=1500)


@pytest.fixture(scope="module")
def my_sluiced() -> Path:
    """Build the example package and its tests; its daemon's program."""
    if shutil.which("swift") is None:
        pytest.skip("there is no Swift toolchain")
    # The same versions of its dependencies as Sluice's own.
    shutil.copyfile(ROOT / "Package.resolved", PACKAGE / "Package.resolved")
    built = swift("build", "--build-tests")
    assert built.returncode == 0, built.stdout[-4000:] + built.stderr[-4000:]
    return ROOT / ".build" / "debug" / "my-sluiced"


def test_the_example_passes_the_conformance_suite(my_sluiced: Path) -> None:
    tested = swift("test", "--skip-build")
    assert tested.returncode == 0, tested.stdout[-4000:] + tested.stderr[-4000:]
    assert "conforms" in tested.stdout


def test_the_example_is_trained_from(my_sluiced: Path, stage: Stage) -> None:
    kind = {"kind": "squares", "with": {"count": COUNT, "samples_per_shard": 50}}
    stage.write("web", 20)
    configuration = stage.configuration({"squares": kind, "web": {"local": str(stage.files / "web")}})
    configuration["datasets"]["own"] = {"streams": ["squares"], "batch_size": 16, "shuffle": True, "shuffle_seed": 3}
    daemon = Daemon.start(stage.save(configuration), stage.socket, stage.directory / "d.log", sluiced=my_sluiced)
    stage.daemons.append(daemon)
    daemon.wait_ready()
    for epoch in range(2):
        with sluice.connect(stage.socket) as client, client.open("own") as session:
            batches = list(session.batches(epoch))
            samples = [sample for batch in batches for sample in batch.samples()]
            ids = [int(number) for batch in batches for number in batch.ids]
        assert sorted(ids) == list(range(COUNT))
        assert ids != sorted(ids), "it is shuffled"
        assert [sample["number"] for sample in samples] == ids
        assert all(sample["square"] == sample["number"] ** 2 for sample in samples)
    # Beside the built-in kinds, in the same daemon.
    mixed = sluice.StreamingDataset("all", batch_size=8, socket=stage.socket)
    assert len(list(mixed)) == COUNT + 20
    answer = run_sluice("status", "--socket", str(stage.socket))
    assert "squares" in answer.stdout


def test_the_example_says_what_is_wrong_with_its_keys(my_sluiced: Path, stage: Stage) -> None:
    kind = {"kind": "squares", "with": {"count": 0, "sampels_per_shard": 5}}
    file = stage.save(stage.configuration({"squares": kind, "other": {"kind": "sqares"}}))
    command = [str(my_sluiced), "--check-config", str(file)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert checked.returncode == 78
    lines = checked.stderr.splitlines()
    text = file.read_text().splitlines()
    for key, said in [("count", "count"), ("sampels_per_shard", "samples_per_shard"), ("sqares", "squares")]:
        number = next(place for place, line in enumerate(text, 1) if f'"{key}"' in line)
        assert any(line.startswith(f"{file}:{number}: ") and said in line for line in lines), checked.stderr
