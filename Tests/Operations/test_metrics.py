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
        series = wait_for(server, 'count({__name__=~"sluice_.*"})')
        assert int(series[0]["value"][1]) > 10
        assert int(wait_for(server, "scrape_samples_post_metric_relabeling")[0]["value"][1]) < 2000, "few labels"
