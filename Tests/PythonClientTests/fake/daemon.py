"""A daemon of a few hundred lines, for what a test must be able to break: written from the protocol's text alone.

It serves one dataset from memory in sequential order (one node, no shuffle) and knows no cache. Its `Script` says what
goes wrong and when. Orders and formats are tested against the real daemon.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import tempfile
import threading
from pathlib import Path
from typing import Any

from sluice.decoding import Schema

from PythonClientTests.fake.connection import ServedConnection
from PythonClientTests.fake.script import Script


class FakeDaemon:
    """Listens until `stop`; use as a context manager."""

    def __init__(self, path: Path, shards: list[tuple[Schema, list[bytes]]], batch_size: int = 4) -> None:
        self.path = path
        self.script = Script()
        self.batch_size = batch_size
        self.fingerprint = "feed"
        self.opens: list[dict[str, Any]] = []
        self.requests: list[tuple[int, int]] = []
        self.groups: list[int] = []
        self.connections = 0
        self.alive = 0
        self.dropped: list[int] = []
        self.schemas: list[Schema] = []
        self.shards = shards
        self.samples: list[tuple[int, int, int, bytes]] = []
        self.files: list[Any] = []
        self.offsets: list[list[int]] = []
        for number, (schema, samples) in enumerate(shards):
            if schema not in self.schemas:
                self.schemas.append(schema)
            file = tempfile.TemporaryFile()  # noqa: SIM115
            offsets = []
            for index, sample in enumerate(samples):
                offsets.append(file.tell())
                file.write(sample)
                self.samples.append((number, index, self.schemas.index(schema), sample))
            file.flush()
            self.files.append(file)
            self.offsets.append(offsets)
        self._listener: socket.socket | None = None
        self._sockets: list[socket.socket] = []

    def __enter__(self) -> FakeDaemon:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        for file in self.files:
            file.close()

    def start(self) -> None:
        self.path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        self.path.unlink(missing_ok=True)
        self.hang_up()

    def hang_up(self) -> None:
        """Closes all connections, as a killed daemon does."""
        for connection in self._sockets:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._sockets = []

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self._sockets.append(connection)
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        self.alive += 1
        try:
            ServedConnection(self, connection).run()
        except (OSError, struct.error, ValueError):  # the client, or the test, is done
            pass
        finally:
            self.alive -= 1
            connection.close()
