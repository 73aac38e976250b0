"""Speaks systemd's side of its two documented protocols: socket activation and sd_notify, watchdog included."""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

# Counts descriptors from 3 as the protocol says, and states the id of the process that the shell turns into.
_ACTIVATE = """
count="$1"; shift
for ((at = 0; at < count; at++)); do
  descriptors+=("$1"); shift
done
for ((at = 0; at < count; at++)); do
  eval "exec $((at + 3))<&${descriptors[at]}"
  eval "exec ${descriptors[at]}<&-"
done
export LISTEN_PID=$$ LISTEN_FDS=$count
if [[ -n "${WATCHDOG_USEC:-}" ]]; then export WATCHDOG_PID=$$; fi
exec "$@"
"""


@dataclass(frozen=True)
class Message:
    """One notification: its assignments, who sent it, when."""

    fields: dict[str, str]
    sender: int
    at: float


@dataclass
class NotifySocket:
    """Where a service sends its notifications; every message is kept."""

    path: Path
    socket: socket.socket = field(init=False)
    messages: list[Message] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.socket.bind(str(self.path))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)

    def close(self) -> None:
        """Stop listening."""
        self.socket.close()
        self.path.unlink(missing_ok=True)

    def receive(self, seconds: float) -> Message | None:
        """Take the next message; None when none comes in time."""
        ready, _, _ = select.select([self.socket], [], [], max(0, seconds))
        if not ready:
            return None
        data, ancillary, _, _ = self.socket.recvmsg(65536, socket.CMSG_SPACE(struct.calcsize("3i")))
        sender = 0
        for level, kind, value in ancillary:
            if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                sender = struct.unpack("3i", value)[0]
        lines = (line.partition("=") for line in data.decode().splitlines() if line)
        message = Message({name: value for name, _, value in lines}, sender, time.monotonic())
        self.messages.append(message)
        return message

    def wait_for(self, wanted: Callable[[dict[str, str]], bool], seconds: float = 30) -> Message:
        """Wait for a message with certain fields; other messages are kept and passed over."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            message = self.receive(left)
            if message and wanted(message.fields):
                return message
        seen = [message.fields for message in self.messages]
        raise TimeoutError(f"no such notification within {seconds} s; these came: {seen}")

    def wait_ready(self, seconds: float = 30) -> Message:
        """Wait for READY=1."""
        return self.wait_for(lambda fields: fields.get("READY") == "1", seconds)

    def silent_for(self, name: str, seconds: float) -> bool:
        """Whether no message with this field comes within a time: how a lost watchdog is seen."""
        with contextlib.suppress(TimeoutError):
            self.wait_for(lambda fields: name in fields, seconds)
            return False
        return True


def listen(path: Path, mode: int = 0o660) -> socket.socket:
    """Listen on a Unix socket, as a socket unit does before its service runs."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(mode)
    listener.listen(128)
    return listener


def activated(command: Sequence[str], listeners: Sequence[socket.socket]) -> list[str]:
    """Build the command that starts `command` with these sockets from descriptor 3 on, as systemd hands them over."""
    numbers = [str(listener.fileno()) for listener in listeners]
    return ["bash", "-c", _ACTIVATE, "bash", str(len(numbers)), *numbers, *command]


def service_environment(
    notify: NotifySocket, *, names: Sequence[str] = (), watchdog_seconds: float | None = None
) -> dict[str, str]:
    """Make the environment that systemd gives a service of Type=notify."""
    environment = {key: value for key, value in os.environ.items() if key not in {"WATCHDOG_USEC", "WATCHDOG_PID"}}
    environment["NOTIFY_SOCKET"] = str(notify.path)
    if names:
        environment["LISTEN_FDNAMES"] = ":".join(names)
    if watchdog_seconds is not None:
        environment["WATCHDOG_USEC"] = str(int(watchdog_seconds * 1_000_000))
    return environment
