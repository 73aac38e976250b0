"""How the demo looks: colours, bars and strips for a person at a terminal, plain lines everywhere else."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from typing import TextIO

from plan import Plan
from ranks import Rank
from samples import STREAMS, StreamSize

from testbed.file_server import FileServer

_COLOURS = {stream.name: stream.colour for stream in STREAMS}
_BAR = 32
_INK = 245


class Screen:
    """Writes the demo's lines; knows whether a person is watching."""

    def __init__(self, output: TextIO, columns: int) -> None:
        self.output = output
        self.columns = max(60, columns)
        dumb = os.environ.get("TERM", "dumb") == "dumb"
        self.rich = output.isatty() and not dumb
        self.colours = self.rich and "NO_COLOR" not in os.environ
        if self.rich:
            self.write("\x1b[?25l")

    def close(self) -> None:
        """Give the terminal its cursor back."""
        if self.rich:
            self.write("\x1b[?25h")

    def write(self, text: str) -> None:
        """Write and show at once."""
        self.output.write(text)
        self.output.flush()

    def line(self, text: str = "") -> None:
        """Write a line."""
        self.write(text + "\n")

    def paint(self, text: str, colour: int, *, bold: bool = False) -> str:
        """Colour a text, where colours are shown."""
        return f"\x1b[{'1;' if bold else ''}38;5;{colour}m{text}\x1b[0m" if self.colours else text

    def title(self, text: str) -> None:
        """Say what is shown."""
        self.line(f"\n  {self.paint('Sluice', 39, bold=True)}  {self.paint(text, _INK)}\n")

    def fact(self, name: str, text: str) -> None:
        """Write one line of the account."""
        self.line(f"  {self.paint(f'{name:<8}', _INK)} {text}")

    def warn(self, text: str) -> None:
        """Say what went wrong."""
        self.line(f"\n  {self.paint(text, 203)}")

    def streams(self, url: str, sizes: Sequence[StreamSize]) -> None:
        """Introduce the streams, each in its colour."""
        for size in sizes:
            name = self.paint(f"{size.stream.name:<5}", size.stream.colour, bold=True)
            what = f"{size.samples:>6,} samples  {size.shards:>3} shards  {size.bytes / 1e6:>5.1f} MB"
            self.fact("stream", f"{name} {what}  proportion {size.stream.proportion}  {url}/{size.stream.name}")

    def progress(self, ranks: Sequence[Rank], expected: int) -> None:
        """Draw a bar for each rank until all have reported everything."""
        if not self.rich:
            for rank in ranks:
                if rank.reader:
                    rank.reader.join(600)
                self.fact(f"rank {rank.number}", self._count(rank, expected))
            return
        self.line()
        pause = threading.Event()
        while True:
            finished = all(rank.done for rank in ranks)
            for rank in ranks:
                self.line(f"\x1b[2K  {self.paint(f'rank {rank.number}', _INK)}   {self._bar(rank, expected)}")
            if finished:
                return
            pause.wait(0.05)
            self.write(f"\x1b[{len(ranks)}A")

    def _count(self, rank: Rank, expected: int) -> str:
        samples = sum(len(batch.ids) for batch in list(rank.batches))
        return f"{len(rank.batches):>4}/{expected} batches, {samples:,} samples"

    def _bar(self, rank: Rank, expected: int) -> str:
        full = min(_BAR, _BAR * len(rank.batches) // max(1, expected))
        return self.paint("━" * full, 42) + self.paint("─" * (_BAR - full), 238) + " " + self._count(rank, expected)

    def first_batches(self, rank: Rank, count: int) -> None:
        """Show a rank's first batches: a strip of stream colours, and the sample ids in them."""
        self.line(f"\n  {self.paint(f'rank {rank.number}', 255, bold=True)} {self.paint('first batches', _INK)}")
        for number, batch in enumerate(rank.batches[:count]):
            strip = "".join(self._cell(stream) for stream in batch.streams)
            ids = " ".join(
                self.paint(f"{sample:>5}", _COLOURS[stream])
                for sample, stream in zip(batch.ids, batch.streams, strict=True)
            )
            self.line(f"  {self.paint(f'{number:>4}', _INK)}  {strip}  {ids}")

    def _cell(self, stream: str) -> str:
        return self.paint("██", _COLOURS[stream]) if self.colours else stream[0]

    def verdict(self, plan: Plan, ranks: Sequence[Rank]) -> bool:
        """Compare what came with what was planned, sample by sample, and say so."""
        seen = [batch for rank in ranks for batch in rank.batches]
        samples = sum(len(batch.ids) for batch in seen)
        right = sum(batch.right for batch in seen)
        wrong = [rank.number for rank in ranks if [batch.ids for batch in rank.batches] != plan.batches_of(rank.number)]
        good = not wrong and right == samples == plan.samples
        self.line()
        if good:
            self.fact("checked", self.paint(f"✓ all {samples:,} samples came exactly as planned", 42, bold=True))
        elif wrong:
            which = ", ".join(f"rank {number}" for number in wrong)
            self.fact("checked", self.paint(f"✗ not as planned: {which}", 203, bold=True))
        else:
            what = f"✗ {right:,} of {plan.samples:,} samples hold what their ids say"
            self.fact("checked", self.paint(what, 203, bold=True))
        self.shares(ranks)
        return good

    def shares(self, ranks: Sequence[Rank]) -> None:
        """Say how the epoch was mixed."""
        drawn = [stream for rank in ranks for batch in rank.batches for stream in batch.streams]
        parts = []
        for stream in STREAMS:
            share = drawn.count(stream.name) / max(1, len(drawn))
            parts.append(self.paint(f"{stream.name} {share:.3f}", stream.colour) + f" (asked {stream.proportion})")
        self.fact("mix", "  ".join(parts))

    def totals(self, server: FileServer, stored: int, ranks: Sequence[Rank], seconds: float) -> None:
        """Say what it took."""
        sent, count = server.bytes_sent, len(server.exchanges)
        self.fact("network", f"{sent / 1e6:.1f} MB downloaded in {count} requests, of {stored / 1e6:.1f} MB in shards")
        text = sum(rank.bytes for rank in ranks)
        self.fact("time", f"{seconds:.2f} s for the epoch, {text / 1e6:.1f} MB of text to the trainers\n")
