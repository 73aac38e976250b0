"""Commands that draw on a terminal, as tests look at them."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Sequence


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
