"""The operator's command line, as tests use it."""

from __future__ import annotations

import os
import pty
import socket
import subprocess
from collections.abc import Sequence

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


def run_on_terminal(command: Sequence[str], timeout: float = 60) -> tuple[subprocess.CompletedProcess[str], str]:
    """Run a command whose standard error is a terminal; its answer, and the first that was drawn there."""
    inside, outside = pty.openpty()
    try:
        answer = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=outside, text=True, check=False, timeout=timeout
        )
        return answer, os.read(inside, 1 << 16).decode()
    finally:
        os.close(outside)
        os.close(inside)
