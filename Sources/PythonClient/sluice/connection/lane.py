"""A place on the daemon that outlives connections: it connects, opens its session, and after a loss does so again.

The protocol's requests are idempotent, so whoever uses a lane asks again after a loss and gets the same bytes.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Event
from typing import TypeVar

from sluice.connection.address import Address
from sluice.connection.connection import Connection
from sluice.connection.endings import ConnectionLostError, RefusedError
from sluice.connection.patience import Patience
from sluice.errors import DaemonUnavailableError, FingerprintError, SluiceError
from sluice.wire.frames import Kind
from sluice.wire.messages import Expected, OpenReply, OpenRequest

T = TypeVar("T")

RETRY_AFTER_RECONNECTING = 1
RETRY_LATER = 2


@dataclass(slots=True)
class Lane:
    """A connection and, if there is a request to open one, a session on it.

    Attributes:
        address: of the daemon.
        request: what to open; None for a connection without a session.
        info: what the first opening said; later ones must say the same.
        connection: the present one.
        session: its number there.
        openings: how often a connection was made.
    """

    address: Address
    request: OpenRequest | None = None
    info: OpenReply | None = None
    connection: Connection | None = None
    session: int = 0
    openings: int = 0

    def ready(self, patience: Patience) -> Connection:
        """The connection, made anew if need be.

        Args:
            patience: how long the daemon may be away.

        Raises:
            DaemonUnavailableError: it was away for longer.
            DaemonError: it does not open such a session.
            FingerprintError: after a loss it has other data or options than before.
        """
        connection = self.connection
        if connection is not None and not connection.closed and connection.process == os.getpid():
            return connection
        self.close()
        while True:
            try:
                connection = Connection(self.address.path)
                try:
                    self._open(connection)
                except BaseException:
                    connection.close()
                    raise
            except RefusedError as error:
                self.recover(error, patience)
            except (OSError, ConnectionLostError) as error:
                if not _may_pass(error) or not patience.pause():
                    raise self._unavailable(error, patience) from error
            else:
                self.connection = connection
                self.openings += 1
                return connection

    def call(self, action: Callable[[Connection, int], T], stop: Event | None = None) -> T:
        """Does something with the connection, again after a loss or when the daemon asks for it.

        Args:
            action: given the connection and the session's number there.
            stop: set when the result is no longer wanted.
        """
        patience = Patience(self.address.wait, stop)
        while True:
            connection = self.ready(patience)
            try:
                return action(connection, self.session)
            except RefusedError as error:
                self.recover(error, patience)
            except ConnectionLostError as error:
                self.lost(error, patience)

    def recover(self, error: RefusedError, patience: Patience) -> None:
        """After an error frame: returns when the same should be asked again.

        Raises:
            DaemonError: it should not, or the wait is used up.
        """
        retry = error.reply.retry
        if retry == RETRY_AFTER_RECONNECTING:
            self.close()
        if retry not in (RETRY_AFTER_RECONNECTING, RETRY_LATER) or not patience.pause(error.reply.after / 1000):
            raise error.as_daemon_error() from None

    def lost(self, error: ConnectionLostError, patience: Patience) -> None:
        """After a loss: returns when the same should be asked again, on a new connection.

        Raises:
            DaemonUnavailableError: the wait is used up.
        """
        self.close()
        if not patience.pause():
            raise self._unavailable(error, patience) from error

    def close(self) -> None:
        """Ends the connection; the next use makes a new one."""
        if self.connection is not None:
            self.connection.close()
            self.connection = None

    def _open(self, connection: Connection) -> None:
        if self.request is None:
            return
        request = self.request
        if self.info is not None:
            # The order that the trainer has begun is the one to go on with, whatever the operator changed meanwhile.
            request = replace(request, expected=Expected(self.info.fingerprint, self.info.description))
        reply = OpenReply.decode(connection.receive(connection.send(Kind.OPEN, request.encode())).data)
        if self.info is None:
            self.info = reply
        elif (changed := _difference(self.info, reply)) is not None:
            raise FingerprintError(f"the daemon came back with another dataset: {changed}")
        self.session = reply.session

    def _unavailable(self, error: Exception, patience: Patience) -> SluiceError:
        path = self.address.path
        if isinstance(error, PermissionError):
            return DaemonUnavailableError(
                f"this user may not connect to {path}: {error.strerror}; `mode` and `group` of `socket` in the "
                "daemon's configuration decide who may"
            )
        reason = {
            errno.ENOENT: "there is no such socket",
            errno.ECONNREFUSED: "nobody listens there",
        }.get(getattr(error, "errno", None) or 0, str(error))
        return DaemonUnavailableError(
            f"no Sluice daemon answered on {path}: {reason}; waited {patience.waited:.1f} s. Start it with "
            "`sluiced --config FILE` (or `systemctl start sluiced`), name its socket with socket=… or SLUICE_SOCKET, "
            "or wait longer with wait=… or SLUICE_WAIT (seconds)"
        )


def _may_pass(error: Exception) -> bool:
    """Whether a failure to connect is one of a daemon that is not there yet."""
    return not isinstance(error, PermissionError) and getattr(error, "errno", None) not in (
        errno.ENOTSOCK,
        errno.EPROTOTYPE,
        errno.ENOTDIR,
        errno.ENAMETOOLONG,
    )


def _difference(before: OpenReply, after: OpenReply) -> str | None:
    """What of a session differs that a trainer in the middle of an epoch depends on."""
    for name in (
        "fingerprint", "nodes", "ranks_per_node", "workers_per_rank", "rank", "batch_size", "replication", "epoch",
        "sample_in_epoch", "num_canonical_nodes", "shuffle_seed", "initial_physical_nodes", "length", "size",
    ):  # fmt: skip
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            return f"{name} was {old} and is {new}"
    return None
