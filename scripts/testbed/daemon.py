"""Starts the real sluiced in a namespace that trusts the testbed's CA, asks after its health, and stops it."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from testbed.certificates import trusting

_ROOT = Path(__file__).resolve().parents[2]


def program(name: str) -> Path:
    """Find a program of ours: $SLUICED or $SLUICE, or a debug build's."""
    chosen = os.environ.get(name.upper())
    path = Path(chosen) if chosen else _ROOT / ".build" / "debug" / name
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist: run `swift build`, or name another with {name.upper()}")
    return path


def dying_with_us(command: Sequence[str]) -> list[str]:
    """Build the command that is killed when the thread that started it ends, however it ends."""
    return ["setpriv", "--pdeathsig", "KILL", *command]


@dataclass
class Daemon:
    """A sluiced of its own, with its log in a file."""

    process: subprocess.Popen[bytes]
    socket: Path
    log: Path

    @classmethod
    def start(
        cls,
        configuration: Path,
        socket: Path,
        log: Path,
        *,
        trust: Path | None = None,
        sluiced: Path | None = None,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        mounts: str = "",
    ) -> Daemon:
        """Start it; `trust` is a directory that stands in for the system's trusted certificates.

        `mounts` are shell commands for the daemon's own mount namespace, which there is only together with `trust`.
        """
        command = [str(sluiced or program("sluiced")), "--config", str(configuration), *arguments]
        command = dying_with_us(command)
        if mounts:
            command = ["sh", "-c", f'{mounts} && exec "$@"', "sh", *command]
        command = trusting(trust, command) if trust else command
        with log.open("ab") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env={**os.environ, **(environment or {})},
            )
        return cls(process, socket, log)

    @property
    def pid(self) -> int:
        """The daemon's process id: what starts it gives way to it."""
        return self.process.pid

    def wait_ready(self, seconds: float = 30, *, sluice: Path | None = None, degraded: bool = False) -> None:
        """Wait with `sluice health --wait`; raise with its word and the log's end when it is not ready."""
        options = ["--ready"] if degraded else []
        answer = health(self.socket, "--wait", str(seconds), *options, sluice=sluice, timeout=seconds + 15)
        if answer.returncode != 0:
            said = (answer.stdout + answer.stderr).strip()
            raise RuntimeError(f"sluiced is not ready ({said}); its log ends:\n{self.log_end()}")

    def wait_for_log(self, text: str, seconds: float = 30) -> None:
        """Wait until the log says something; a file tells nobody that it has grown, so it is read again and again."""
        deadline, pause = time.monotonic() + seconds, threading.Event()
        while text not in self.log_text():
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise TimeoutError(f"the log never said {text!r}; it ends:\n{self.log_end()}")
            pause.wait(0.02)

    def log_end(self, lines: int = 20) -> str:
        """The last lines of the log."""
        return "\n".join(self.log_text().splitlines()[-lines:])

    def log_text(self) -> str:
        """The whole log."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def stop(self, seconds: float = 30) -> int:
        """Ask it to end (SIGTERM), wait, and kill it when it does not; its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(f"sluiced did not end within {seconds} s of SIGTERM:\n{self.log_end()}") from None

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait(10)


def health(
    socket: Path, *options: str, sluice: Path | None = None, timeout: float = 30
) -> subprocess.CompletedProcess[str]:
    """Run `sluice health` on a socket."""
    command = [str(sluice or program("sluice")), "health", "--socket", str(socket), *options]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=timeout)


def write_configuration(path: Path, document: object) -> Path:
    """Write a configuration; JSON is YAML, so no YAML library is needed here."""
    import json

    path.write_text(json.dumps(document, indent=2))
    return path


def tail(stream: IO[str] | None) -> str:
    """What is left in a pipe, for an error message."""
    return "" if stream is None else stream.read()[-2000:].strip()
