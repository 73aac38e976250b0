"""The object stores of Tests/FaultServer, each in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SERVERS = Path(__file__).resolve().parents[2] / "Tests" / "FaultServer"


@contextmanager
def object_store(kind: str, directory: Path, *options: str) -> Iterator[dict[str, Any]]:
    """Serve a directory's files as `s3`, `gs`, `azure` or `hf`; gives where, and what it takes for credentials."""
    command = [sys.executable, str(SERVERS / f"{kind}_server.py"), str(directory), *options]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield json.loads(server.stdout.readline())
        finally:
            server.kill()
