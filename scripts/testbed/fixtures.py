"""Fixtures of every test that runs the real daemon; a conftest imports the ones it offers."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from testbed.certificates import PrivateAuthority
from testbed.daemon import Daemon, write_configuration
from testbed.file_server import FileServer
from testbed.mds import Sample, write_stream

COLUMNS = {"index": "int", "source": "str", "text": "str"}


def numbered_samples(source: str, count: int, size: int = 600) -> Iterator[Sample]:
    """Make samples that say who they are, of about `size` bytes of text each."""
    for index in range(count):
        text = f"{source} {index} " + chr(97 + index % 26) * (size + 7 * (index % 11))
        yield {"index": index, "source": source, "text": text}


def in_order(stream: str, batch_size: int = 8) -> dict[str, Any]:
    """A dataset of one stream, whole and in its own order."""
    return {"streams": [{"stream": stream}], "batch_size": batch_size, "shuffle": False}


@dataclass
class Stage:
    """A directory, a TLS file server over its `files`, and the daemons started on it."""

    directory: Path
    server: FileServer
    trust: Path
    daemons: list[Daemon] = field(default_factory=list)

    @property
    def socket(self) -> Path:
        """The socket of this stage's daemon."""
        return self.directory / "s.sock"

    @property
    def files(self) -> Path:
        """What the server serves."""
        return self.server.directory

    def write(self, name: str, count: int = 300, *, size: int = 600, shard_bytes: int = 1 << 15) -> Path:
        """Write a stream of numbered samples where the server serves it as `name`."""
        write_stream(self.files / name, COLUMNS, numbered_samples(name, count, size), shard_bytes)
        return self.files / name

    def remote(self, name: str, **options: object) -> dict[str, object]:
        """Give the configuration of a stream served as `name`."""
        return {"remote": f"{self.server.url}/{name}", **options}

    def configuration(
        self, streams: Mapping[str, Mapping[str, object]], datasets: Mapping[str, Any] | None = None, **more: object
    ) -> dict[str, Any]:
        """Make a configuration; without datasets, one named `all` of all streams in batches of 8, shuffled."""
        everything = {"streams": [{"stream": name} for name in streams], "batch_size": 8, "shuffle": True}
        return {
            "socket": {"path": str(self.socket)},
            "cache": {"directory": str(self.directory / "cache"), "limit": "64mb", "reserve": "1mb"},
            "streams": {name: dict(options) for name, options in streams.items()},
            "datasets": dict(datasets) if datasets is not None else {"all": everything},
            **more,
        }

    def save(self, configuration: Mapping[str, Any], name: str = "sluiced.yaml") -> Path:
        """Write a configuration into the stage's directory."""
        return write_configuration(self.directory / name, configuration)

    def start(
        self,
        configuration: Mapping[str, Any],
        *,
        ready: bool = True,
        degraded: bool = False,
        arguments: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        mounts: str = "",
    ) -> Daemon:
        """Start the real daemon where the stage's CA is trusted, and wait until it serves (`degraded`: somehow).

        `mounts` are shell commands that prepare the daemon's mount namespace.
        """
        daemon = Daemon.start(
            self.save(configuration),
            self.socket,
            self.directory / "sluiced.log",
            trust=self.trust,
            arguments=arguments,
            environment=environment,
            mounts=mounts,
        )
        self.daemons.append(daemon)
        if ready:
            daemon.wait_ready(degraded=degraded)
        return daemon

    def clear(self) -> None:
        """End what still runs, and show the log (pytest keeps it for failures)."""
        for daemon in self.daemons:
            daemon.kill()
        for log in sorted(self.directory.glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-20_000:]}")


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> PrivateAuthority:
    """A CA for the whole session."""
    return PrivateAuthority.make(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def trust(authority: PrivateAuthority) -> Path:
    """A directory of trusted certificates with that CA in it."""
    return authority.trust_directory()


@pytest.fixture
def stage(authority: PrivateAuthority, trust: Path) -> Iterator[Stage]:
    """A stage of the test's own; its path is short, since a Unix socket's path is at most 107 bytes."""
    directory = Path(tempfile.mkdtemp(prefix="sluice-"))
    (directory / "files").mkdir()
    with FileServer(directory / "files", authority) as server:
        stage = Stage(directory, server, trust)
        try:
            yield stage
        finally:
            stage.clear()
            shutil.rmtree(directory, ignore_errors=True)
