"""Where the daemon listens, and how long to wait for it."""

from __future__ import annotations

import os
from dataclasses import dataclass

from sluice.errors import SluiceError

DEFAULT_SOCKET = "/run/sluice/sluiced.sock"
DEFAULT_WAIT = 60.0
_LONGEST_PATH = 107


@dataclass(frozen=True, slots=True)
class Address:
    """A daemon's socket.

    Attributes:
        path: of the socket in the file system.
        wait: seconds to go on trying while nobody answers there, at the start and whenever the connection is lost.
    """

    path: str
    wait: float

    @staticmethod
    def resolve(socket: str | os.PathLike[str] | None = None, wait: float | None = None) -> Address:
        """The address as given, else from the environment, else the default.

        Args:
            socket: path; else SLUICE_SOCKET, else /run/sluice/sluiced.sock.
            wait: seconds, 0 for a single attempt; else SLUICE_WAIT, else 60.

        Raises:
            SluiceError: one of them cannot be.
        """
        path = os.fspath(socket) if socket is not None else os.environ.get("SLUICE_SOCKET") or DEFAULT_SOCKET
        if len(os.fsencode(path)) > _LONGEST_PATH:
            raise SluiceError(f"the socket's path is longer than the system's {_LONGEST_PATH} bytes: {path}")
        if wait is None:
            text = os.environ.get("SLUICE_WAIT")
            try:
                wait = float(text) if text else DEFAULT_WAIT
            except ValueError:
                raise SluiceError(f"SLUICE_WAIT must be a number of seconds, not {text!r}") from None
        if not 0 <= wait < float("inf"):
            raise SluiceError(f"wait must be a number of seconds from 0, not {wait}")
        return Address(path, wait)
