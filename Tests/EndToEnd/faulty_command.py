"""A command of an `exec` stream that goes wrong: `faulty_command.py MODE TIMES STATE EXAMPLE`.

The first TIMES requests for a shard go wrong as MODE says (their count is kept in files below the directory STATE);
every other request goes to the worked example.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path


def count(state: Path, path: str) -> int:
    """Count this request among those for the same shard; 1 for the first."""
    number = 1
    while True:
        try:
            (state / f"{path.replace('/', '_')}.{number}").touch(exist_ok=False)
            return number
        except FileExistsError:
            number += 1


def hang() -> None:
    """Do nothing until somebody ends this process."""
    signal.pause()


def go_wrong(mode: str, request: dict[str, int]) -> int:
    """Answer as no command should."""
    with os.fdopen(3, "wb", buffering=0) as output:
        size = request["bytes"]
        if mode == "hang":
            output.write(b"x" * (size // 2))
            hang()
        if mode == "die":
            output.write(b"x" * (size // 2))
            os.kill(os.getpid(), 9)
        if mode == "refuse":
            print("nothing works today", file=sys.stderr)
            return 75
        if mode == "short":
            output.write(b"x" * (size - 1))
        if mode == "long":
            output.write(b"x" * (size + 1))
        if mode == "flood":
            while True:
                output.write(b"x" * (1 << 20))
        if mode == "chatter":
            for line in range(1 << 20):
                print(f"line {line} that nobody wants", file=sys.stderr)
            hang()
    return 0


def main() -> int:
    """Serve one request."""
    mode, times, state, example = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4]
    text = sys.stdin.read()
    request = json.loads(text)
    if request["request"] != "manifest" and count(state, request["path"]) <= times:
        return go_wrong(mode, request)
    return subprocess.run([sys.executable, example], input=text, text=True, pass_fds=[3], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
