"""`sluice verify` of configured streams: remote ones are downloaded shard by shard, and every fault is told."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from testbed.certificates import trusting
from testbed.daemon import program
from testbed.file_server import Fault
from testbed.fixtures import Stage
from testbed.terminal import run_on_terminal

FIXTURES = Path(__file__).resolve().parents[1] / "Fixtures" / "datasets"
IMPATIENT = {"download_retry": 2, "download_timeout": 5}


@pytest.fixture
def staging(stage: Stage) -> Path:
    """Where downloads lie meanwhile; the test's end finds it empty."""
    path = stage.directory / "staging"
    path.mkdir()
    return path


def verify(stage: Stage, stream: str, staging: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run it on a stream of the stage's configuration, where the stage's CA is trusted."""
    command = [str(program("sluice")), "verify", "--config", str(stage.directory / "sluiced.yaml"), stream]
    command = trusting(stage.trust, [*command, "--staging", str(staging), *options])
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert not list(staging.iterdir()), "nothing stays behind"
    return answer


def test_a_sound_remote_stream(stage: Stage, staging: Path) -> None:
    stage.write("web", 300)
    shards = sorted(path.name for path in (stage.files / "web").glob("*.mds"))
    stage.save(stage.configuration({"web": stage.remote("web", validate_hash="sha256")}))
    answer = verify(stage, "web", staging)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert answer.stdout.startswith(f"{len(shards)} shards, 300 samples, ")
    assert answer.stdout.endswith(": all is well\n")
    for name in shards:
        assert stage.server.requests_of(f"web/{name}") == 1


def test_every_fault_of_a_remote_stream(stage: Stage, staging: Path) -> None:
    web = stage.write("web", 300)
    shards = sorted(web.glob("*.mds"))
    assert len(shards) > 6
    flipped = bytearray(shards[1].read_bytes())
    flipped[-1] ^= 0xFF  # no UTF-8 any more
    shards[1].write_bytes(flipped)
    shards[2].unlink()
    shards[3].write_bytes(shards[3].read_bytes()[:-7])
    backwards = bytearray(shards[4].read_bytes())
    backwards[8:12] = (1 << 31).to_bytes(4, "little")
    shards[4].write_bytes(backwards)
    stage.server.fail(f"web/{shards[5].name}", Fault(status=503, times=1))
    stage.save(stage.configuration({"web": stage.remote("web", **IMPATIENT)}, transfer={"retry_seconds": 0.1}))
    answer = verify(stage, "web", staging)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    lines = answer.stdout.splitlines()

    def of(number: int) -> list[str]:
        return [line for line in lines if line.startswith(f'stream "web", shard {number} ({shards[number].name})')]

    assert len(of(1)) == 2, "the digest, and the sample whose text is none"
    assert any("sha256 is" in line for line in of(1))
    assert any("UTF-8" in line and ", sample " in line for line in of(1))
    (missing,) = of(2)
    assert "404" in missing
    (short,) = of(3)
    assert "could not be fetched" in short
    assert str(shards[3].stat().st_size) in short
    assert any("offsets[2]: " in line for line in of(4))
    assert lines[-1].endswith(f": {len(lines) - 1} faults")
    assert sum(len(of(number)) for number in (1, 2, 3, 4)) == len(lines) - 1, "the other shards are well"


@pytest.mark.parametrize("name", ["mds_zstd", "mds_snappy", "jsonl_zstd", "tsv_gz", "mds_merged"])
def test_compressed_and_split_streams(stage: Stage, staging: Path, name: str) -> None:
    shutil.copytree(FIXTURES / name, stage.files / "data")
    stage.save(stage.configuration({"data": stage.remote("data")}))
    answer = verify(stage, "data", staging, "--quiet")
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "", "")
    if name == "mds_merged":
        return
    packed = sorted(path for path in (stage.files / "data").glob("shard.00000.*") if "meta" not in path.name)[0]
    damaged = bytearray(packed.read_bytes())
    damaged[len(damaged) // 2] ^= 4
    packed.write_bytes(damaged)
    answer = verify(stage, "data", staging, "--quiet")
    assert answer.returncode == 1
    assert all("shard 0 (" in line for line in answer.stdout.splitlines())


def test_no_more_than_the_jobs_shards_lie_on_disk(stage: Stage, staging: Path) -> None:
    stage.write("web", 4000, shard_bytes=1 << 18)
    total = sum(path.stat().st_size for path in (stage.files / "web").glob("*.mds"))
    assert total > 2 << 20
    stage.save(stage.configuration({"web": stage.remote("web")}))
    # A disk that two shards fill, and a third would not fit.
    inner = [str(program("sluice")), "verify", "--config", str(stage.directory / "sluiced.yaml"), "web"]
    inner += ["--staging", str(staging), "--jobs", "2"]
    small = ["sh", "-c", f'mount -t tmpfs -o size=640k none "{staging}" && exec "$@"', "sh", *inner]
    answer = subprocess.run(trusting(stage.trust, small), capture_output=True, text=True, check=False, timeout=120)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_a_stream_in_a_directory_and_one_of_a_command(stage: Stage, staging: Path) -> None:
    web = stage.write("web", 100)
    serve = stage.directory / "serve.py"
    serve.write_text(
        "import json, os, pathlib, sys\n"
        "request = json.load(sys.stdin)\n"
        f"home = pathlib.Path({str(web)!r})\n"
        "name = 'index.json' if request['request'] == 'manifest' else request['path']\n"
        "os.write(request['output']['descriptor'], (home / name).read_bytes())\n"
    )
    streams: dict[str, dict[str, object]] = {
        "here": {"local": str(web)},
        "command": {"kind": "exec", "with": {"command": [sys.executable, str(serve)]}},
    }
    stage.save(stage.configuration(streams))
    for name in streams:
        answer = verify(stage, name, staging)
        assert answer.returncode == 0, answer.stdout + answer.stderr
    flipped = bytearray((web / "shard.00001.mds").read_bytes())
    flipped[-1] ^= 1
    (web / "shard.00001.mds").write_bytes(flipped)
    for name in streams:
        answer = verify(stage, name, staging)
        assert answer.returncode == 1
        assert f'stream "{name}", shard 1 (shard.00001.mds): sha256 is' in answer.stdout
    assert not stage.server.exchanges


def test_what_cannot_be_read_at_all(stage: Stage, staging: Path) -> None:
    stage.write("web", 50)
    streams = {"web": stage.remote("web"), "gone": stage.remote("gone")}
    stage.save(stage.configuration(streams, {"all": {"streams": ["web"], "batch_size": 8}}))
    unknown = verify(stage, "wbe", staging)
    assert unknown.returncode == 2
    assert 'no stream "wbe"; known: web, gone' in unknown.stderr
    gone = verify(stage, "gone", staging)
    assert gone.returncode == 2
    assert "index.json" in gone.stderr
    assert "404" in gone.stderr
    directory = subprocess.run(
        [str(program("sluice")), "verify", "web"], capture_output=True, text=True, check=False, timeout=60
    )
    assert directory.returncode == 2
    assert "--config" in directory.stderr


def test_bad_records_of_a_remote_index(stage: Stage, staging: Path) -> None:
    web = stage.write("web", 300)
    index = json.loads((web / "index.json").read_text())
    index["shards"][2]["raw_data"]["basename"] = "../secret"
    index["shards"][3]["samples"] = -1
    (web / "index.json").write_text(json.dumps(index))
    stage.save(stage.configuration({"web": stage.remote("web")}))
    answer = verify(stage, "web", staging)
    assert answer.returncode == 1
    lines = answer.stdout.splitlines()
    assert lines[0].startswith('stream "web", index.json, shard 2, raw_data.basename: "../secret"')
    assert lines[1].startswith('stream "web", index.json, shard 3, samples: ')
    assert lines[2].startswith(f"{len(index['shards']) - 2} shards, ")


def test_progress_on_a_terminal(stage: Stage, staging: Path) -> None:
    stage.write("web", 100)
    stage.save(stage.configuration({"web": stage.remote("web")}))
    command = [str(program("sluice")), "verify", "--config", str(stage.directory / "sluiced.yaml"), "web"]
    answer, drawn = run_on_terminal(trusting(stage.trust, [*command, "--staging", str(staging)]))
    assert answer.returncode == 0
    assert " of 3 shards, 0 samples, 0 B, 0 faults" in drawn
    assert answer.stdout.startswith("3 shards, 100 samples, ")
