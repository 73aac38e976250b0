"""The operator's command line, as tests use it."""

from __future__ import annotations

import json
import socket
import subprocess
from pathlib import Path
from typing import Any

from testbed.daemon import program


def run_sluice(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run `sluice` with these arguments."""
    command = [str(program("sluice")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)


def cache_status(daemon: Path) -> dict[str, Any]:
    """Give what `sluice cache --json` says of the daemon at this socket."""
    answer = run_sluice("cache", "show", "--json", "--socket", str(daemon))
    assert answer.returncode == 0, answer.stderr
    status: dict[str, Any] = json.loads(answer.stdout)
    return status


def free_port() -> int:
    """Give a port of loopback's that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
