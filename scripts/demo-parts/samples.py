"""The demo's two streams: short texts that carry their own identity, so that a trainer can judge what it got."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from testbed.mds import write_stream

COLUMNS = {"index": "int", "source": "str", "text": "str"}
SHARD_BYTES = 1 << 20
_WORDS = ("stream", "shard", "sample", "epoch", "rank", "batch", "order", "cache", "daemon", "socket", "plan", "mix")


@dataclass(frozen=True)
class DemoStream:
    """A stream's name, its share of the mix, its share of the samples, and the colour it is shown in."""

    name: str
    proportion: float
    share: float
    colour: int


STREAMS = (DemoStream("code", 0.25, 1 / 3, 214), DemoStream("web", 0.75, 2 / 3, 39))


@dataclass(frozen=True)
class StreamSize:
    """What was written of a stream."""

    stream: DemoStream
    samples: int
    shards: int
    bytes: int


def text_of(source: str, index: int) -> str:
    """The text of a sample, from its identity alone: one to ten KiB."""
    generator = random.Random(f"{source}/{index}")  # noqa: S311 - text for a demo
    line = " ".join(generator.choices(_WORDS, k=24))
    return f"{source} {index}: " + (line + "\n") * generator.randint(8, 80)


def write_streams(directory: Path, count: int) -> list[StreamSize]:
    """Write both streams below a directory, `count` samples in all."""
    sizes = []
    for stream in STREAMS:
        samples = round(count * stream.share)
        size = write_stream(directory / stream.name, COLUMNS, _samples(stream.name, samples), SHARD_BYTES)
        shards = len(list((directory / stream.name).glob("shard.*")))
        sizes.append(StreamSize(stream, samples, shards, size))
    return sizes


def _samples(source: str, count: int) -> Iterator[dict[str, Any]]:
    for index in range(count):
        yield {"index": index, "source": source, "text": text_of(source, index)}
