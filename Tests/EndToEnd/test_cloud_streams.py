"""The cloud kinds over TLS: the real daemon against servers that check every signature and token."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import sluice

from testbed.certificates import PrivateAuthority
from testbed.fixtures import Stage, in_order
from testbed.object_stores import object_store

SAMPLES = {"part1": 60, "part2": 45}


def over_tls(authority: PrivateAuthority) -> list[str]:
    """Options of a server that has a certificate of this authority."""
    return ["--tls", *(str(authority.directory / name) for name in ("server.pem", "server.key"))]


def configured(kind: str, server: dict[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return a stream of what a server holds, and the environment with its credentials."""
    stream: dict[str, Any] = {"with": {"endpoint": server["endpoint"]}, "subdirectories": "discover"}
    if kind == "gs":
        keys = {"GCS_KEY": server["accessKey"], "GCS_SECRET": server["secretKey"]}
        return {"remote": "gs://streams/dataset", "credentials": {"environment": True}, **stream}, keys
    if kind == "azure":
        keys = {"AZURE_ACCOUNT_NAME": server["account"], "AZURE_ACCOUNT_ACCESS_KEY": server["key"]}
        remote = f"azure://{server['account']}.blob.core.windows.net/streams/dataset"
        return {"remote": remote, "credentials": {"environment": True}, **stream}, keys
    # The Hub is not listed.
    stream |= {"remote": "hf://datasets/team/words@v1/dataset", "subdirectories": list(SAMPLES)}
    return stream | {"credentials": {"environment": True}}, {"HF_TOKEN": server["token"]}


@pytest.mark.parametrize("kind", ["gs", "azure", "hub"])
def test_a_stream_is_read_over_tls(stage: Stage, authority: PrivateAuthority, kind: str) -> None:
    for name, count in SAMPLES.items():
        stage.write(f"parted/{name}", count, size=2_000)
    with object_store(kind, stage.files / "parted", *over_tls(authority)) as server:
        assert server["endpoint"].startswith("https://")
        stream, environment = configured(kind, server)
        stage.start(stage.configuration({"cloud": stream}, {"cloud": in_order("cloud")}), environment=environment)
        with sluice.connect(stage.socket) as client, client.open("cloud") as session:
            found = [sample["source"] for batch in session.batches(0) for sample in batch.samples()]
        assert found == [f"parted/{name}" for name, count in SAMPLES.items() for _ in range(count)]
        root = server["endpoint"].removesuffix(f"/{server.get('account', '')}")
        with urllib.request.urlopen(f"{root}/+log", context=authority.client_context()) as answer:
            asked = [json.loads(line) for line in answer.read().splitlines()]
        assert not any(request["refusal"] for request in asked)
        for name in SAMPLES:
            assert any(f"{name}/shard.00000.mds" in request["path"] for request in asked)


def test_a_certificate_that_nobody_vouches_for_ends_it(stage: Stage, tmp_path: Path) -> None:
    """The server's certificate is another authority's: no request, and so no credential, ever reaches it."""
    stage.write("part1", 20)
    other = PrivateAuthority.make(tmp_path / "other")
    with object_store("gs", stage.files, *over_tls(other)) as server:
        stream, environment = configured("gs", server)
        daemon = stage.start(
            stage.configuration({"cloud": stream | {"download_retry": 1}}), degraded=True, environment=environment
        )
        assert "stream could not be loaded" in daemon.log_text()
        with urllib.request.urlopen(f"{server['endpoint']}/+log", context=other.client_context()) as answer:
            assert answer.read() == b""
