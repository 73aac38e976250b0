"""The demo's inner half: in its namespaces it serves, starts the daemon, trains two ranks, and judges what they saw."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from plan import planned_order
from ranks import Rank, start_ranks
from samples import STREAMS, write_streams
from screen import Screen

from testbed.certificates import SYSTEM_TRUST, PrivateAuthority
from testbed.daemon import Daemon, dying_with_us, program, write_configuration
from testbed.file_server import FileServer

BATCH_SIZE = 8


class Left(Exception):  # noqa: N818 - nothing has gone wrong
    """The person, or the outer half, has ended the demo."""


@dataclass
class Stage:
    """What has been set up, so that it can be taken down in the right order."""

    directory: Path
    screen: Screen
    daemon: Daemon | None = None
    server: FileServer | None = None
    ranks: list[Rank] = field(default_factory=list)

    def clear(self) -> None:
        """End everything; the files go with the mount."""
        for rank in self.ranks:
            rank.kill()
        try:
            if self.daemon:
                self.daemon.stop(15)
        except RuntimeError as error:
            self.screen.warn(str(error))
        finally:
            if self.server:
                self.server.stop()
            hand_over_log(self.daemon)


def hand_over_log(daemon: Daemon | None) -> None:
    """Give the daemon's log to the outer half, which may keep it."""
    with os.fdopen(int(os.environ["SLUICE_DEMO_LOG"]), "wb") as pipe:
        if daemon:
            pipe.write(daemon.log_text().encode())


def watch_outer_half() -> None:
    """Turn the end of the outer half into a signal to ourselves."""

    def watch() -> None:
        os.read(int(os.environ["SLUICE_DEMO_ALIVE"]), 1)
        os.kill(os.getpid(), signal.SIGTERM)

    def leave(number: int, _frame: object) -> None:
        # Only the first counts: nothing interrupts the clearing up.
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, signal.SIG_IGN)
        raise Left(signal.Signals(number).name)

    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, leave)
    threading.Thread(target=watch, daemon=True).start()


def mount(directory: Path) -> None:
    """Cover a directory with memory of our own."""
    command = ["mount", "-t", "tmpfs", "-o", "size=512m,mode=0700", "sluice-demo", str(directory)]
    subprocess.run(command, check=True, timeout=30)


def trust(authority: PrivateAuthority) -> None:
    """Have everything in this namespace trust the authority."""
    command = ["mount", "--bind", str(authority.trust_directory()), str(SYSTEM_TRUST)]
    subprocess.run(command, check=True, timeout=30)


def configure(stage: Stage, url: str) -> Path:
    """The configuration: both streams by https, mixed 0.25 to 0.75."""
    document = {
        "socket": str(stage.directory / "sluice.sock"),
        "cache": {"directory": str(stage.directory / "cache"), "limit": "256mb", "reserve": "1mb"},
        "streams": {stream.name: {"remote": f"{url}/{stream.name}"} for stream in STREAMS},
        "datasets": {
            "mix": {
                "streams": [{"stream": stream.name, "proportion": stream.proportion} for stream in STREAMS],
                "batch_size": BATCH_SIZE,
                "shuffle": True,
                "shuffle_seed": 17,
            }
        },
    }
    return write_configuration(stage.directory / "sluiced.yaml", document)


def run(stage: Stage, count: int, shown: int) -> bool:
    """The demo itself; whether the epoch came as planned."""
    screen, directory = stage.screen, stage.directory
    screen.title("one daemon, two streams behind TLS, two ranks, one epoch")
    mount(directory)
    sizes = write_streams(directory / "files", count)
    authority = PrivateAuthority.make(directory / "authority")
    trust(authority)
    stage.server = FileServer(directory / "files", authority)
    stage.server.__enter__()
    screen.streams(stage.server.url, sizes)

    began = time.monotonic()
    configuration, socket = configure(stage, stage.server.url), directory / "sluice.sock"
    stage.daemon = Daemon.start(configuration, socket, directory / "sluiced.log")
    stage.daemon.wait_ready(60)
    screen.fact("daemon", f"sluiced is ready after {time.monotonic() - began:.2f} s, both indexes loaded")

    plan = planned_order(program("sluice"), configuration, "mix", ranks=2)
    screen.fact("plan", f"{plan.samples:,} samples in {plan.batches:,} batches of {BATCH_SIZE} over 2 ranks")

    began = time.monotonic()
    stage.ranks = start_ranks(socket, "mix", 2, dying_with_us)
    screen.progress(stage.ranks, plan.batches // 2)
    elapsed = time.monotonic() - began
    for rank in stage.ranks:
        rank.finish()
        screen.first_batches(rank, shown)

    right = screen.verdict(plan, stage.ranks)
    screen.totals(stage.server, sum(size.bytes for size in sizes), stage.ranks, elapsed)
    return right


def main() -> int:
    """Run the demo and clear up, whatever happens."""
    directory, count, shown = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    stage = Stage(directory, Screen(sys.stdout, shutil.get_terminal_size().columns))
    try:
        watch_outer_half()
        return 0 if run(stage, count, shown) else 1
    except Left as left:
        stage.screen.warn(f"{left}: clearing up")
        return 130
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        stage.screen.warn(f"error: {error}")
        return 1
    finally:
        stage.clear()
        stage.screen.close()


if __name__ == "__main__":
    sys.exit(main())
