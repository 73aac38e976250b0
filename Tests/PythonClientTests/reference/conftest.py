"""A real daemon over streams on disk, for the tests beside the reference."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from testbed.daemon import Daemon, write_configuration
from testbed.fixtures import COLUMNS, numbered_samples
from testbed.mds import write_stream

SIZES = {"web": 120, "code": 70}
SHARES = {"web": 0.75, "code": 0.25}


@dataclass
class Served:
    """Two streams on disk and a daemon that serves their mix as `mix`, and can be killed and started again."""

    directory: Path
    file: Path
    daemon: Daemon

    @property
    def socket(self) -> Path:
        """Where the daemon listens."""
        return self.directory / "s.sock"

    def start(self) -> None:
        self.daemon = Daemon.start(self.file, self.socket, self.directory / "log")

    def restart(self, kill: bool) -> None:
        self.daemon.kill() if kill else self.daemon.stop()
        self.start()


def configuration(directory: Path) -> dict[str, Any]:
    mix = [{"stream": name, "proportion": share} for name, share in SHARES.items()]
    return {
        "socket": {"path": str(directory / "s.sock")},
        "cache": {"directory": str(directory / "cache"), "limit": "64mb", "reserve": "1mb"},
        "streams": {name: {"local": str(directory / name)} for name in SHARES},
        "datasets": {"mix": {"streams": mix}},
        "inline_datasets": {"registered_streams": True},
    }


@contextmanager
def serving() -> Iterator[Served]:
    """The streams and their daemon; its directory's path is short, as a socket's must be."""
    directory = Path(tempfile.mkdtemp(prefix="sluice-"))
    try:
        for name, count in SIZES.items():
            write_stream(directory / name, COLUMNS, numbered_samples(name, count, 40), 2000)
        file = write_configuration(directory / "sluiced.yaml", configuration(directory))
        try:
            served = Served(directory, file, Daemon.start(file, directory / "s.sock", directory / "log"))
        except FileNotFoundError as error:
            pytest.skip(str(error))
        try:
            served.daemon.wait_ready()
            yield served
        finally:
            served.daemon.kill()
            print(served.daemon.log_end(60))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """One for all tests that leave it alone."""
    with serving() as served:
        yield served


@pytest.fixture
def restartable() -> Iterator[Served]:
    """One of the test's own, to kill and restart."""
    with serving() as served:
        yield served
