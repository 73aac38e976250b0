"""A real daemon over streams on disk, for the tests beside the reference."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
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
    """Two streams on disk and a daemon that serves their mix as `mix`."""

    directory: Path
    daemon: Daemon

    @property
    def socket(self) -> Path:
        """Where the daemon listens."""
        return self.daemon.socket


def configuration(directory: Path) -> dict[str, Any]:
    mix = [{"stream": name, "proportion": share} for name, share in SHARES.items()]
    return {
        "socket": {"path": str(directory / "s.sock")},
        "cache": {"directory": str(directory / "cache"), "limit": "64mb", "reserve": "1mb"},
        "streams": {name: {"local": str(directory / name)} for name in SHARES},
        "datasets": {"mix": {"streams": mix}},
        "inline_datasets": {"registered_streams": True},
    }


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """The streams and their daemon; its directory's path is short, as a socket's must be."""
    directory = Path(tempfile.mkdtemp(prefix="sluice-"))
    try:
        for name, count in SIZES.items():
            write_stream(directory / name, COLUMNS, numbered_samples(name, count, 40), 2000)
        file = write_configuration(directory / "sluiced.yaml", configuration(directory))
        try:
            daemon = Daemon.start(file, directory / "s.sock", directory / "sluiced.log")
        except FileNotFoundError as error:
            pytest.skip(str(error))
        try:
            daemon.wait_ready()
            yield Served(directory, daemon)
        finally:
            daemon.kill()
            print(daemon.log_end(60))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@dataclass
class Restartable:
    """A daemon that can be killed and started again on the same configuration."""

    directory: Path
    file: Path
    daemon: Daemon

    @property
    def socket(self) -> Path:
        return self.directory / "s.sock"

    def start(self) -> None:
        self.daemon = Daemon.start(self.file, self.socket, self.directory / "log")

    def restart(self, kill: bool) -> None:
        self.daemon.kill() if kill else self.daemon.stop()
        self.start()


@pytest.fixture
def restartable() -> Iterator[Restartable]:
    directory = Path(tempfile.mkdtemp(prefix="sluice-"))
    try:
        for name, count in SIZES.items():
            write_stream(directory / name, COLUMNS, numbered_samples(name, count, 40), 2000)
        file = write_configuration(directory / "sluiced.yaml", configuration(directory))
        try:
            daemon = Daemon.start(file, directory / "s.sock", directory / "log")
        except FileNotFoundError as error:
            pytest.skip(str(error))
        daemon.wait_ready()
        served = Restartable(directory, file, daemon)
        try:
            yield served
        finally:
            served.daemon.kill()
            print(served.daemon.log_end(60))
    finally:
        shutil.rmtree(directory, ignore_errors=True)
