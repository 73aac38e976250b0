"""Nodes on one machine: network namespaces on a bridge, each with its own address; all they share is files."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass


def why_not() -> str | None:
    """The reason why this machine cannot have such nodes; None if it can."""
    if shutil.which("ip") is None:
        return "the program ip (iproute2) is missing"
    if os.geteuid() != 0:
        return "network namespaces on a bridge need root"
    probe = f"sluice-probe-{os.getpid()}"
    answer = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        return f"ip netns add: {answer.stderr.strip()}"
    subprocess.run(["ip", "netns", "delete", probe], capture_output=True, check=False)
    return None


@dataclass(frozen=True)
class Node:
    """One namespace.

    Attributes:
        name: of the namespace.
        address: of its only interface.

    """

    name: str
    address: str

    def command(self, arguments: Sequence[str]) -> list[str]:
        """The same command inside this node."""
        return ["ip", "netns", "exec", self.name, *arguments]


def _ip(*arguments: str, inside: str | None = None) -> None:
    command = ["ip", *(["-n", inside] if inside else []), *arguments]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: {answer.stderr.strip()}")


@contextmanager
def nodes(count: int) -> Iterator[list[Node]]:
    """That many nodes that reach each other; all gone afterwards."""
    tag = f"s{os.getpid() % 100_000}"
    hub = f"{tag}hub"
    made = []
    try:
        # The bridge lives in a namespace, too, so that the machine's own network is left alone.
        _ip("netns", "add", hub)
        made.append(hub)
        _ip("link", "add", "bridge", "type", "bridge", inside=hub)
        _ip("link", "set", "bridge", "up", inside=hub)
        result = []
        for number in range(count):
            node = Node(f"{tag}n{number}", f"10.77.0.{number + 1}")
            _ip("netns", "add", node.name)
            made.append(node.name)
            _ip("link", "add", f"port{number}", "type", "veth", "peer", "name", "eth0", "netns", node.name, inside=hub)
            _ip("link", "set", f"port{number}", "master", "bridge", "up", inside=hub)
            _ip("address", "add", f"{node.address}/24", "dev", "eth0", inside=node.name)
            _ip("link", "set", "eth0", "up", inside=node.name)
            _ip("link", "set", "lo", "up", inside=node.name)
            result.append(node)
        yield result
    finally:
        for name in reversed(made):
            with suppress(RuntimeError):
                _ip("netns", "delete", name)
