"""The trainer processes, one a rank, and what each of them has reported."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class SeenBatch:
    """One device batch as a trainer got it: sample ids, the stream of each, and how many had the right content."""

    ids: list[int]
    streams: list[str]
    right: int


@dataclass
class Rank:
    """One trainer process."""

    number: int
    process: subprocess.Popen[str]
    batches: list[SeenBatch] = field(default_factory=list)
    bytes: int = 0
    reader: threading.Thread | None = None

    @property
    def done(self) -> bool:
        """Whether it has said all it will say."""
        return self.reader is not None and not self.reader.is_alive()

    def follow(self) -> None:
        """Collect what it reports, in a thread of its own."""

        def collect() -> None:
            assert self.process.stdout is not None
            for line in self.process.stdout:
                report = json.loads(line)
                self.batches.append(SeenBatch(report["ids"], report["streams"], report["right"]))
                self.bytes += report["bytes"]

        self.reader = threading.Thread(target=collect, daemon=True)
        self.reader.start()

    def finish(self) -> None:
        """Wait for its end, which must be a good one."""
        if self.reader:
            self.reader.join(60)
        status = self.process.wait(60)
        if status != 0:
            said = self.process.stderr.read() if self.process.stderr else ""
            raise RuntimeError(f"the trainer of rank {self.number} ended with {status}: {said.strip()[-1500:]}")

    def kill(self) -> None:
        """End it at once."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)


def start_ranks(socket: Path, dataset: str, ranks: int, guard: Callable[[Sequence[str]], list[str]]) -> list[Rank]:
    """Start every rank's trainer."""
    trainer = str(Path(__file__).with_name("trainer.py"))
    started = []
    for number in range(ranks):
        command = guard([sys.executable, trainer, str(socket), dataset, str(number), str(ranks)])
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        rank = Rank(number, process)
        rank.follow()
        started.append(rank)
    return started
