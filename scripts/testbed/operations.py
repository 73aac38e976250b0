"""The operator's command line, as tests use it."""

from __future__ import annotations

import subprocess

from testbed.daemon import program


def run_sluice(*arguments: str, timeout: float = 60) -> subprocess.CompletedProcess[str]:
    """Run `sluice` with these arguments."""
    command = [str(program("sluice")), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)
