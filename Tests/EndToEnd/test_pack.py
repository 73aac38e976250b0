"""`sluice pack` as a person without the reference uses it: from files to samples that the daemon serves."""

from __future__ import annotations

import base64
import bz2
import json
import signal
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sluice

from testbed.daemon import program
from testbed.fixtures import Stage, in_order
from testbed.operations import run_sluice
from testbed.terminal import run_on_terminal


def pack(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    answer = run_sluice("pack", *map(str, arguments))
    assert answer.returncode == 0, answer.stderr
    return answer


def served(stage: Stage, *names: str) -> dict[str, list[dict[str, Any]]]:
    """The samples of packed streams, through the daemon and the client."""
    streams = {name: stage.remote(name) for name in names}
    stage.start(stage.configuration(streams, {name: in_order(name) for name in names}))
    samples: dict[str, list[dict[str, Any]]] = {}
    with sluice.connect(stage.socket) as client:
        for name in names:
            with client.open(name) as session:
                samples[name] = [sample for batch in session.batches(0) for sample in batch.samples()]
    return samples


def test_every_kind_of_input_reaches_the_trainer(stage: Stage) -> None:
    rows: list[dict[str, Any]] = [
        {
            "text": f"Zeile {i} süß\n",
            "n": i - 5,
            "x": i / 4,
            "ids": [i, i + 1],
            "blob": base64.b64encode(bytes([i])).decode(),
        }
        for i in range(30)
    ]
    source = stage.directory / "in"
    source.mkdir()
    (source / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (source / "a.csv").write_text('id,text\n1,"a, ""b"""\n2,c\n')
    (source / "a.tsv").write_text("id\ttext\n1\tx y\n2\t\n")
    (source / "documents" / "deep").mkdir(parents=True)
    (source / "documents" / "a.txt").write_text("first")
    (source / "documents" / "deep" / "b.md").write_text("zweiter ü")
    tokens = np.arange(1000, dtype=np.uint16)
    np.save(source / "tokens.npy", tokens)
    np.save(source / "rows.npy", tokens.reshape(50, 20).astype(np.float32))
    columns = "text:str,n:int64,x:float32,ids:ndarray:uint16,blob:bytes"
    options = ("--size-limit", "1kb", "--compression", "zstd:7", "--hashes", "sha1,xxh64", "--jobs", "2")
    pack(source / "a.jsonl", "-o", stage.files / "jsonl", "--columns", columns, *options)
    pack(source / "a.csv", "-o", stage.files / "csv", "--columns", "id:int,text:str")
    pack(source / "a.tsv", "-o", stage.files / "tsv")
    pack(source / "documents", "-o", stage.files / "documents")
    dropped = pack(source / "tokens.npy", "-o", stage.files / "tokens", "--tokens-per-sample", "128")
    assert "104 elements at the end of the array fill no whole sample" in dropped.stderr
    pack(source / "rows.npy", "-o", stage.files / "rows", "--array-column", "x")
    assert len(list((stage.files / "jsonl").glob("shard.*.mds.zstd"))) > 1
    names = ["jsonl", "csv", "tsv", "documents", "tokens", "rows"]
    for name in names:
        assert run_sluice("verify", str(stage.files / name)).returncode == 0
    found = served(stage, *names)
    assert len(found["jsonl"]) == len(rows)
    for sample, row in zip(found["jsonl"], rows, strict=True):
        assert sample["text"] == row["text"]
        assert (type(sample["n"]), sample["n"]) == (np.int64, row["n"])
        assert (type(sample["x"]), sample["x"]) == (np.float32, np.float32(row["x"]))
        assert (sample["ids"].dtype, sample["ids"].tolist()) == (np.uint16, row["ids"])
        assert sample["blob"] == base64.b64decode(row["blob"])
    assert found["csv"] == [{"id": 1, "text": 'a, "b"'}, {"id": 2, "text": "c"}]
    assert found["tsv"] == [{"id": "1", "text": "x y"}, {"id": "2", "text": ""}]
    assert found["documents"] == [
        {"path": "a.txt", "text": "first"},
        {"path": "deep/b.md", "text": "zweiter ü"},
    ]
    assert np.concatenate([sample["tokens"] for sample in found["tokens"]]).tolist() == tokens[:896].tolist()
    assert np.stack([sample["x"] for sample in found["rows"]]).tolist() == tokens.reshape(50, 20).tolist()


def test_any_number_of_jobs_writes_the_same_bytes(tmp_path: Path) -> None:
    rows = tmp_path / "a.jsonl"
    rows.write_text("".join(json.dumps({"i": i, "t": "wort " * (i % 50)}) + "\n" for i in range(20_000)))
    written = []
    for jobs in ("1", "4"):
        out = tmp_path / jobs
        pack(rows, "-o", out, "--jobs", jobs, "--size-limit", "100kb", "--compression", "gz:1", "--hashes", "md5")
        files = {path.name: bytearray(path.read_bytes()) for path in out.iterdir() if path.name != "index.json"}
        for data in files.values():
            data[4:8] = b"\0\0\0\0"  # gzip's time of writing
        written.append(files)
    assert written[0] == written[1]


@pytest.mark.parametrize(
    ("name", "text", "arguments", "message", "status"),
    [
        (
            "a.jsonl",
            '{"a": 1}\n\n{"a": "x"}\n',
            ["--columns", "a:int"],
            'line 3: column "a" (int): expected a whole',
            1,
        ),
        ("a.jsonl", '{"a": 1}\n{"b": 1}\n', [], 'line 1: column "b" is missing', 1),
        ("a.jsonl", '{"a": 1}\n{"a": 1\n', [], "line 2: not JSON", 1),
        ("a.json", '[{"a": 1},\n{"a": 2}]\n', [], "line 1: not JSONL: a list", 1),
        ("a.csv", "a,b\n1,2\n3\n", [], "line 3: 1 fields where the header names 2", 1),
        ("a.csv", 'a,b\n1,"2\n', [], "line 2: a quoted field is never closed", 1),
        ("a.csv", "a,b\n1,2\n", ["--columns", "c:str"], 'the header has 0 columns called "c"', 1),
        ("a.jsonl", '{"a": 1}\n', ["--columns", "a:string"], '"string" cannot be written; what can is bytes, str', 64),
        ("a.jsonl", '{"a": 1}\n', ["--compression", "zstd:99"], "levels are 1 to 22", 64),
        ("a.jsonl", '{"a": 1}\n', ["--tokens-per-sample", "5"], "are for .npy arrays", 64),
        ("a.jsonl", '{"a": 1}\n', ["--hashes", "crc32"], "crc32", 64),
        ("a.parquet", "PAR1", [], "use --format", 64),
    ],
)
def test_what_cannot_be_packed_is_said_and_leaves_nothing(
    tmp_path: Path, name: str, text: str, arguments: list[str], message: str, status: int
) -> None:
    (tmp_path / name).write_text(text)
    answer = run_sluice("pack", str(tmp_path / name), "-o", str(tmp_path / "out"), *arguments)
    assert answer.returncode == status
    assert answer.stderr.startswith("sluice pack: ")
    assert message in answer.stderr
    assert not (tmp_path / "out").exists()


def test_a_killed_packing_leaves_whole_shards_and_can_be_repeated(tmp_path: Path) -> None:
    rows, out = tmp_path / "a.jsonl", tmp_path / "out"
    rows.write_text("".join(json.dumps({"i": i, "t": f"wort {i} " * 40}) + "\n" for i in range(40_000)))
    command = [str(program("sluice")), "pack", str(rows), "-o", str(out), "--size-limit", "300kb"]
    command += ["--compression", "bz2", "--jobs", "2", "--quiet"]
    packing = subprocess.Popen(command)
    deadline, pause = time.monotonic() + 60, threading.Event()
    while len(list(out.glob("shard.*.bz2"))) < 3:
        # A directory tells nobody that it has grown, so it is looked at again and again.
        assert time.monotonic() < deadline
        assert packing.poll() is None, "killed too late: the packing is over"
        pause.wait(0.002)
    packing.send_signal(signal.SIGSTOP)
    assert not (out / "index.json").exists(), "stopped too late: the packing is over"
    other = run_sluice("pack", str(rows), "-o", str(out))
    assert other.returncode == 64
    assert f"process {packing.pid} is writing a stream to {out} now" in other.stderr
    packing.send_signal(signal.SIGKILL)
    packing.wait()
    shards = sorted(out.glob("shard.*.bz2"))
    for shard in shards:
        raw = bz2.decompress(shard.read_bytes())
        count = int.from_bytes(raw[:4], "little")
        assert int.from_bytes(raw[4 * count + 4 :][:4], "little") == len(raw), f"{shard.name} is whole"
    assert not (out / "index.json").exists()
    finished = subprocess.run(command, check=False, timeout=120)
    assert finished.returncode == 0
    verified = run_sluice("verify", str(out)).stdout
    assert ", 40000 samples, " in verified
    assert verified.endswith(": all is well\n")
    assert not [path.name for path in out.iterdir() if path.suffix not in (".bz2", ".json")]


def test_progress_is_drawn_on_a_terminal_only(tmp_path: Path) -> None:
    rows = tmp_path / "a.jsonl"
    rows.write_text("".join(json.dumps({"i": i}) + "\n" for i in range(1000)))
    command = [str(program("sluice")), "pack", str(rows), "-o", str(tmp_path / "out")]
    answer, drawn = run_on_terminal(command)
    assert answer.returncode == 0
    assert "█" in drawn
    assert "1000 samples" in drawn
    assert drawn.endswith("\r\x1b[K"), "the line is taken away in the end"
    assert answer.stdout.startswith(f"{tmp_path / 'out'}: 1000 samples in 1 shard, ")
    quiet = pack(rows, "-o", tmp_path / "quiet")
    assert quiet.stderr == ""
