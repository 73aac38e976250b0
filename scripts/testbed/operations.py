"""The operator's command line, as tests use it."""

from __future__ import annotations

import socket
import subprocess

from testbed.daemon import program


def run_sluice(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run `sluice` with these arguments."""
    command = [str(program("sluice")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)


def free_port() -> int:
    """Give a port of loopback's that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
