"""The native way in: a daemon, its datasets, its health."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from sluice.connection.address import Address
from sluice.connection.lane import Lane
from sluice.session import Session
from sluice.wire.batches import Bytes
from sluice.wire.codec import Reader, Writer
from sluice.wire.frames import Kind
from sluice.wire.messages import Expected, OpenRequest, ResumePoint, decode_health
from sluice.world import World


@dataclass(frozen=True, slots=True)
class Health:
    """How the daemon is.

    Attributes:
        state: `starting`, `ready`, `degraded` or `draining`.
        detail: one line for a person.
    """

    state: str
    detail: str


class Client:
    """A daemon on this machine; made by `sluice.connect`.

    Args:
        address: of the daemon.
    """

    def __init__(self, address: Address) -> None:
        self.address = address
        self._lane = Lane(address)

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def open(
        self,
        dataset: str | Mapping[str, Any],
        *,
        world: World | None = None,
        resume: ResumePoint | None = None,
        expected: Expected | None = None,
        allow_unsafe_types: bool = False,
        how: Bytes = Bytes.DAEMON_CHOOSES,
        **options: Any,
    ) -> Session:
        """Opens a dataset for this rank.

        Args:
            dataset: a registered name, or the keys of a dataset specification, if the daemon's configuration allows it.
            world: this rank's place in the job; else `World.detect()`.
            resume: a checkpoint to go on from.
            expected: what it was made of.
            allow_unsafe_types: whether pickled columns may be decoded.
            how: how samples' bytes come; the daemon knows best.
            **options: replace the registered options (`batch_size`, `shuffle`, …).

        Raises:
            DaemonUnavailableError: no daemon answered.
            DaemonError: it does not open such a session.
        """
        world = world if world is not None else World.detect()
        inline = not isinstance(dataset, str)
        request = OpenRequest(
            dataset=dataset if isinstance(dataset, str) else json.dumps({**dataset, **options}),
            inline=inline,
            overrides=json.dumps(options) if options and not inline else "",
            nodes=world.nodes,
            ranks_per_node=world.ranks_per_node,
            workers_per_rank=world.workers_per_rank,
            rank=world.rank,
            resume=resume,
            expected=expected,
        )
        return Session(self.address, request, allow_unsafe_types=allow_unsafe_types, how=how)

    def health(self) -> Health:
        """Whether the daemon is well."""
        return Health(
            *self._lane.call(lambda connection, _: decode_health(connection.receive(connection.send(Kind.HEALTH)).data))
        )

    def status(self) -> dict[str, Any]:
        """The daemon's status document."""
        text = self._lane.call(
            lambda connection, _: Reader(connection.receive(connection.send(Kind.STATUS)).data).text()
        )
        document: dict[str, Any] = json.loads(text)
        return document

    def admin(self, verb: str, argument: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """An operator's request, without its progress.

        Args:
            verb: what to do.
            argument: with what.

        Raises:
            NotPermittedError: this user may not.
        """
        payload = Writer().text(verb).text("" if argument is None else json.dumps(argument)).payload
        text = self._lane.call(
            lambda connection, _: Reader(connection.receive(connection.send(Kind.ADMIN, payload)).data).text()
        )
        document: dict[str, Any] = json.loads(text) if text else {}
        return document

    def close(self) -> None:
        """Ends the connection; sessions have their own."""
        self._lane.close()


def connect(socket: str | os.PathLike[str] | None = None, *, wait: float | None = None) -> Client:
    """The daemon on this machine.

    Args:
        socket: its path; else SLUICE_SOCKET, else /run/sluice/sluiced.sock.
        wait: seconds to wait for a daemon that is not there (yet, or while it restarts); else SLUICE_WAIT, else 60.

    Returns:
        A client that has spoken with it.

    Raises:
        DaemonUnavailableError: nobody answered for that long.
    """
    client = Client(Address.resolve(socket, wait))
    client.health()
    return client
