"""Metrics as Prometheus sees them: its own linter passes them, and a real server scrapes them."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import struct
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from EndToEnd import wire
from EndToEnd.wire import Connection
from testbed.daemon import dying_with_us
from testbed.fixtures import Stage

TOOLS = Path(__file__).resolve().parents[2] / ".build-tools/prometheus/usr/bin"


def tool(name: str) -> str:
    """A program of Prometheus's, where scripts/test put it or where the machine has it."""
    found = shutil.which(name, path=str(TOOLS)) or shutil.which(name)
    if not found:
        pytest.skip(f"{name} is not here: scripts/test fetches it from Debian's package prometheus")
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=20) as response:
        body: bytes = response.read()
        return body.decode()


@pytest.fixture
def metrics(stage: Stage) -> Iterator[str]:
    """The address of the metrics of a daemon that has served an epoch to a session, which stays open."""
    port = free_port()
    stage.write("web", 120)
    stage.start(stage.configuration({"web": stage.remote("web")}, http={"listen": f"127.0.0.1:{port}"}))
    with Connection(stage.socket) as client:
        session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset("all"))[:4])[0]
        batches = struct.unpack("<qqI", client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))[:20])[2]
        for number in range(batches):
            client.ask(wire.BATCH, wire.batch(session, 0, number, mode=1))
        yield f"http://127.0.0.1:{port}/metrics"


def value(text: str, name: str, **labels: str) -> float:
    """The value of one sample in Prometheus's text."""
    for line in text.splitlines():
        found, _, number = line.rpartition(" ")
        if found.split("{")[0] == name and all(f'{key}="{label}"' in found for key, label in labels.items()):
            return float(number)
    raise AssertionError(f"no {name} with {labels} in:\n{text}")


def test_the_linter_passes_them(metrics: str) -> None:
    text = get(metrics)
    command = [tool("promtool"), "check", "metrics"]
    answer = subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert not answer.stdout + answer.stderr
    names = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if line and not line.startswith("#")}
    assert all(name.startswith(("sluice_", "process_")) for name in names), names
    assert 'stream="web"' in text
    assert 'dataset="all"' in text


def test_what_was_served_is_counted(metrics: str) -> None:
    text = get(metrics)
    batches = value(text, "sluice_served_batches_total", dataset="all")
    assert batches == 15
    assert value(text, "sluice_served_samples_total", dataset="all") == 120
    assert value(text, "sluice_request_duration_seconds_count", kind="batch") == batches
    assert value(text, "sluice_request_duration_seconds_bucket", kind="batch", le="60") == batches
    assert value(text, "sluice_request_duration_seconds_count", kind="open") == 1
    assert 0 < value(text, "sluice_request_duration_seconds_sum", kind="batch") < 60
    assert value(text, "sluice_plan_duration_seconds_count", source="made") >= 1
    shards = value(text, "sluice_cache_shards")
    assert value(text, "sluice_cache_shard_duration_seconds_count") == shards
    assert value(text, "sluice_cache_shard_size_bytes_sum") == value(text, "sluice_cache_bytes", kind="used")
    assert value(text, "sluice_transfer_files_total", stream="web") >= shards
    causes = [
        value(text, "sluice_stall_seconds_total", dataset="all", cause=cause)
        for cause in ("plan", "queue", "download", "verify", "decompress", "client")
    ]
    assert sum(causes) > 0


def test_counters_do_not_go_back_when_a_session_ends(stage: Stage) -> None:
    port = free_port()
    stage.write("web", 120)
    stage.start(stage.configuration({"web": stage.remote("web")}, http={"listen": f"127.0.0.1:{port}"}))
    url = f"http://127.0.0.1:{port}/metrics"
    counted = [
        ("sluice_served_samples_total", {"dataset": "all"}),
        ("sluice_sessions_opened_total", {"dataset": "all"}),
        ("sluice_stall_seconds_total", {"dataset": "all", "cause": "download"}),
        ("sluice_stall_seconds_total", {"dataset": "all", "cause": "client"}),
        ("sluice_request_duration_seconds_count", {"kind": "batch"}),
    ]
    last = [0.0] * len(counted)
    for round_ in range(1, 4):
        with Connection(stage.socket) as client:
            session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset("all"))[:4])[0]
            client.ask(wire.EPOCH, struct.pack("<Iq", session, 0))
            client.ask(wire.BATCH, wire.batch(session, 0, 0, mode=1))
            client.ask(wire.BATCH, wire.batch(session, 0, 1, mode=1))
            if round_ == 2:
                client.ask(wire.CLOSE, struct.pack("<I", session))
            text = get(url)
        for moment in (text, get(url)):
            now = [value(moment, name, **labels) for name, labels in counted]
            assert all(new >= old for new, old in zip(now, last, strict=True)), (counted, last, now)
            last = now
        assert last[0] == 16 * round_
        assert last[1] == round_


def test_labels_are_bounded(stage: Stage) -> None:
    port = free_port()
    stage.write("web", 20)
    datasets = {f"d{number}": {"streams": [{"stream": "web"}], "batch_size": 4} for number in range(130)}
    stage.start(stage.configuration({"web": stage.remote("web")}, datasets, http={"listen": f"127.0.0.1:{port}"}))
    with Connection(stage.socket) as client:
        for name in datasets:
            session = struct.unpack("<I", client.ask(wire.OPEN, wire.open_dataset(name))[:4])[0]
            client.ask(wire.CLOSE, struct.pack("<I", session))
        text = get(f"http://127.0.0.1:{port}/metrics")
    labels = {line.split('"')[1] for line in text.splitlines() if line.startswith("sluice_sessions_opened_total{")}
    assert len(labels) == 101
    assert value(text, "sluice_sessions_opened_total", dataset="other") == 30


def test_errors_are_counted_by_their_code(metrics: str, stage: Stage) -> None:
    with Connection(stage.socket) as client, pytest.raises(wire.Refused):
        client.ask(wire.OPEN, wire.open_dataset("nothing"))
    assert value(get(metrics), "sluice_request_errors_total", code="unknownDataset") == 1


def test_the_whole_status_is_there_for_dashboards(metrics: str) -> None:
    status = json.loads(get(metrics.replace("/metrics", "/status")))
    assert status["daemon"]["state"] == "ready"
    assert [session["dataset"] for session in status["sessions"]] == ["all"]


@contextlib.contextmanager
def prometheus(metrics: str, directory: Path) -> Iterator[str]:
    """A real Prometheus server that scrapes an address every second."""
    target = urllib.parse.urlsplit(metrics)
    job = {"job_name": "sluice", "metrics_path": target.path, "static_configs": [{"targets": [target.netloc]}]}
    (directory / "prometheus.yml").write_text(
        json.dumps({"global": {"scrape_interval": "1s"}, "scrape_configs": [job]})
    )
    address = f"127.0.0.1:{free_port()}"
    command = [tool("prometheus"), f"--config.file={directory}/prometheus.yml", f"--web.listen-address={address}"]
    command += [f"--storage.tsdb.path={directory}/data", "--web.console.templates=none", "--web.console.libraries=none"]
    with (directory / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(dying_with_us(command), stdout=log, stderr=log)
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(30)


def ask(server: str, query: str) -> list[Any]:
    """Ask Prometheus; nothing while it is not up yet."""
    try:
        answer = json.loads(get(f"{server}/api/v1/query?{urllib.parse.urlencode({'query': query})}"))
    except (urllib.error.URLError, ConnectionError):
        return []
    result: list[Any] = answer["data"]["result"]
    return result


def wait_for(server: str, query: str, seconds: float = 60) -> list[Any]:
    """Ask until there is an answer: Prometheus tells nobody when it has scraped."""
    deadline, pause = time.monotonic() + seconds, threading.Event()
    while time.monotonic() < deadline:
        if result := ask(server, query):
            return result
        pause.wait(0.25)
    raise TimeoutError(f"Prometheus has no answer to {query} after {seconds} s")


def test_a_real_server_scrapes_them(metrics: str, tmp_path: Path) -> None:
    with prometheus(metrics, tmp_path) as server:
        assert wait_for(server, 'up{job="sluice"} == 1')
        quantile = 'histogram_quantile(0.5, sum by (le) (sluice_request_duration_seconds_bucket{kind="batch"}))'
        assert 0 < float(wait_for(server, quantile)[0]["value"][1]) < 60
        series = wait_for(server, 'count({__name__=~"sluice_.*"})')
        assert int(series[0]["value"][1]) > 10
        assert int(wait_for(server, "scrape_samples_post_metric_relabeling")[0]["value"][1]) < 2000, "few labels"
