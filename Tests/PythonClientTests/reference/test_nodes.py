"""Several nodes under torchrun, each a network namespace with a daemon of its own."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import sluice

from PythonClientTests.reference.conftest import SIZES, configuration
from PythonClientTests.reference.nodes import Node, nodes, why_not
from PythonClientTests.reference.ranks import SOURCES, outputs_of
from testbed.daemon import Daemon, dying_with_us, program, write_configuration
from testbed.fixtures import COLUMNS, numbered_samples
from testbed.mds import write_stream

PROGRAM = str(Path(__file__).with_name("node_rank.py"))
PORT = "29577"
"""On the nodes' own network, where nobody else listens."""

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason="torch is not installed"),
    pytest.mark.timeout(600),
]


@pytest.fixture
def directory() -> Iterator[Path]:
    reason = why_not()
    if reason is not None:
        pytest.skip(f"no network namespaces here: {reason}")
    try:
        program("sluiced")
    except FileNotFoundError as error:
        pytest.skip(str(error))
    path = Path(tempfile.mkdtemp(prefix="sluice-"))
    for name, count in SIZES.items():
        write_stream(path / name, COLUMNS, numbered_samples(name, count, 40), 2000)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def start_daemon(directory: Path, number: int, stack: ExitStack, options: dict[str, Any]) -> Path:
    """A daemon of one node, its socket and cache its own."""
    place = directory / f"d{number}"
    place.mkdir()
    document = configuration(directory)
    document["socket"]["path"] = str(place / "s.sock")
    document["cache"]["directory"] = str(place / "cache")
    document["datasets"]["mix"] |= options
    daemon = Daemon.start(write_configuration(place / "c.yaml", document), place / "s.sock", place / "log")
    stack.callback(daemon.kill)
    daemon.wait_ready()
    return place / "s.sock"


def torchrun(found: list[Node], ranks: int, sockets: list[Path], output: Path) -> list[tuple[int, str]]:
    """The job on all nodes at once; each node's exit status and output."""
    processes = []
    for number, (node, socket) in enumerate(zip(found, sockets, strict=True)):
        command = [sys.executable, "-m", "torch.distributed.run", f"--nnodes={len(found)}", f"--node-rank={number}"]
        command += [f"--nproc-per-node={ranks}", f"--master-addr={found[0].address}", f"--master-port={PORT}"]
        environment = {
            "PYTHONPATH": str(SOURCES),
            "SLUICE_SOCKET": str(socket),
            "GLOO_SOCKET_IFNAME": "eth0",
            "OMP_NUM_THREADS": "1",
        }
        processes.append(
            subprocess.Popen(
                dying_with_us(node.command([*command, PROGRAM, str(output)])),
                env=os.environ | environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        )
    outputs = outputs_of(processes, 300)
    return [(process.returncode, output) for process, output in zip(processes, outputs, strict=True)]


def planned(socket: Path, world: sluice.World, epoch: int) -> list[list[int]]:
    with sluice.connect(socket) as client, client.open("mix", world=world, batch_size=4, shuffle=True) as session:
        return [batch.ids.tolist() for batch in session.batches(epoch)]


@pytest.mark.parametrize(("count", "ranks"), [(2, 2), (4, 1)])
def test_each_rank_gets_its_part_from_its_own_node(directory: Path, count: int, ranks: int) -> None:
    output = directory / "output"
    output.mkdir()
    with ExitStack() as stack, nodes(count) as found:
        sockets = [start_daemon(directory, number, stack, {}) for number in range(count)]
        for status, said in torchrun(found, ranks, sockets, output):
            assert status == 0, said[-3000:]
        results = [json.loads((output / f"rank-{rank}.json").read_text()) for rank in range(count * ranks)]
        for rank, result in enumerate(results):
            assert result["node"] == rank // ranks
            world = sluice.World(count, ranks, rank)
            assert result["epochs"][0] == planned(sockets[0], world, 0)
            assert result["epochs"][1] == planned(sockets[-1], world, 1)[:1]
        seen = [sample for result in results for batch in result["epochs"][0] for sample in batch]
        assert len(seen) >= sum(SIZES.values())


def test_a_node_with_other_options_stops_the_job(directory: Path) -> None:
    with ExitStack() as stack, nodes(2) as found:
        sockets = [start_daemon(directory, number, stack, {"shuffle_seed": 5 + number}) for number in range(2)]
        for status, said in torchrun(found, 1, sockets, directory):
            assert status != 0
            assert "do not have the same data and options" in said, said[-3000:]
            assert "shuffle_seed 5" in said
            assert "shuffle_seed 6" in said
