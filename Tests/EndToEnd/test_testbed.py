"""The testbed itself: what it writes is MDS to the reference too, and its server does what a good and a bad one do."""

from __future__ import annotations

import email.message
import http.client
import importlib.util
import json
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from testbed.certificates import SYSTEM_TRUST, PrivateAuthority, trusting
from testbed.file_server import Fault
from testbed.fixtures import Stage, numbered_samples

READ_WITH_REFERENCE = """
import json, sys
from streaming.base import LocalDataset
dataset = LocalDataset(sys.argv[1])
print(json.dumps([dataset[index] for index in range(len(dataset))]))
"""


def fetch(
    stage: Stage, authority: PrivateAuthority, path: str, **headers: str
) -> tuple[int, bytes, email.message.Message]:
    """Get a path as a client that trusts the testbed."""
    request = urllib.request.Request(f"{stage.server.url}/{path}", headers=headers)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=authority.client_context()))
    try:
        with opener.open(request, timeout=30) as response:
            return response.status, response.read(), response.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def test_the_reference_reads_what_the_writer_writes(stage: Stage) -> None:
    if importlib.util.find_spec("streaming") is None:
        pytest.skip("mosaicml-streaming is not installed: scripts/setup reference")
    directory = stage.write("web", 100)
    assert len(list(directory.glob("*.mds"))) > 2
    command = [sys.executable, "-c", READ_WITH_REFERENCE, str(directory)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout) == list(numbered_samples("web", 100))


def test_ranges_and_validators(stage: Stage, authority: PrivateAuthority) -> None:
    (stage.files / "x").write_bytes(b"0123456789")
    status, body, headers = fetch(stage, authority, "x")
    tag = headers["ETag"]
    assert (status, body) == (200, b"0123456789")
    status, body, headers = fetch(stage, authority, "x", Range="bytes=2-4")
    assert (status, body, headers["Content-Range"]) == (206, b"234", "bytes 2-4/10")
    assert fetch(stage, authority, "x", Range="bytes=7-")[1] == b"789"
    assert fetch(stage, authority, "x", Range="bytes=-2")[1] == b"89"
    assert fetch(stage, authority, "x", Range="bytes=20-30")[0] == 416
    assert fetch(stage, authority, "x", Range="bytes=2-4", **{"If-Range": '"other"'})[:2] == (200, b"0123456789")
    assert fetch(stage, authority, "x", **{"If-None-Match": tag})[0] == 304
    assert fetch(stage, authority, "../authority.key")[0] == 404
    assert [exchange.bytes for exchange in stage.server.exchanges][:2] == [10, 3]


def test_faults(stage: Stage, authority: PrivateAuthority) -> None:
    (stage.files / "x").write_bytes(b"0123456789")
    stage.server.fail("x", Fault(status=503, times=1))
    assert fetch(stage, authority, "x")[0] == 503
    assert fetch(stage, authority, "x")[0] == 200
    stage.server.fail("x", Fault(cut_after=4))
    with pytest.raises(http.client.IncompleteRead):
        fetch(stage, authority, "x")
    stage.server.fail("x", Fault(body=b"other"))
    assert fetch(stage, authority, "x")[1] == b"other"
    stage.server.heal("x")
    assert fetch(stage, authority, "x")[1] == b"0123456789"


def test_only_the_namespace_trusts_the_authority(stage: Stage, trust: Path) -> None:
    (stage.files / "x").write_bytes(b"hello")
    # Python's default context reads the system's trusted certificates, as the daemon's downloads do.
    program = f"import urllib.request; print(urllib.request.urlopen('{stage.server.url}/x').read())"
    inside = subprocess.run(
        trusting(trust, ["/usr/bin/env", "SSL_CERT_DIR=/etc/ssl/certs", sys.executable, "-c", program]),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert inside.stdout.strip() == "b'hello'", inside.stderr
    with pytest.raises(ssl.SSLError):
        http.client.HTTPSConnection(
            stage.server.url.removeprefix("https://"), context=ssl.create_default_context(capath=str(SYSTEM_TRUST))
        ).request("GET", "/x")
    assert not (SYSTEM_TRUST / "sluice-testbed.pem").exists()
