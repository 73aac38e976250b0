"""Makes the streams that `scripts/bench serve` reads: as MDS, and as litdata writes them."""

from __future__ import annotations

import importlib
import json
import os
import struct
from pathlib import Path

import numpy as np

SHARD_BYTES = 64 << 20


def make_mds(directory: Path, sample_bytes: int, samples: int) -> None:
    """Write an uncompressed MDS stream with one fixed-size column `data`, from the description of the format."""
    directory.mkdir(parents=True)
    random = np.random.default_rng(17)
    per_shard = max(1, min(samples, SHARD_BYTES // sample_bytes))
    records: list[dict[str, object]] = []
    for first in range(0, samples, per_shard):
        count = min(per_shard, samples - first)
        values = random.integers(0, 256, (count, sample_bytes), np.uint8)
        # Every sample begins with its number, so that a reader can be held to what it got.
        values[:, :8] = np.arange(first, first + count, dtype="<i8").view(np.uint8).reshape(count, 8)
        settings = {
            "column_encodings": [f"ndarray:uint8:{sample_bytes}"],
            "column_names": ["data"],
            "column_sizes": [sample_bytes],
            "compression": None,
            "format": "mds",
            "hashes": [],
            "size_limit": SHARD_BYTES,
            "version": 2,
        }
        config = json.dumps(settings, sort_keys=True).encode()
        begin = 4 + 4 * (count + 1) + len(config)
        offsets = (begin + sample_bytes * np.arange(count + 1)).astype("<u4")
        name = f"shard.{len(records):05}.mds"
        with (directory / name).open("wb") as file:
            file.write(struct.pack("<I", count) + offsets.tobytes() + config)
            values.tofile(file)
        size = (directory / name).stat().st_size
        raw = {"basename": name, "bytes": size, "hashes": {}}
        records.append({**settings, "raw_data": raw, "samples": count, "zip_data": None})
    (directory / "index.json").write_text(json.dumps({"shards": records, "version": 2}, sort_keys=True))


def make_litdata(directory: Path, sample_bytes: int, samples: int) -> None:
    """Write the same samples with litdata's own writer."""
    # Found at run time: it has no types.
    writer_type = importlib.import_module("litdata.streaming.writer").BinaryWriter
    directory.mkdir(parents=True)
    random = np.random.default_rng(17)
    writer = writer_type(str(directory), chunk_bytes=SHARD_BYTES)
    for index in range(samples):
        values = random.integers(0, 256, sample_bytes, np.uint8)
        values[:8] = np.frombuffer(struct.pack("<q", index), np.uint8)
        writer[index] = {"data": values}
    writer.done()
    writer.merge()


def copies(source: Path, count: int) -> list[Path]:
    """`count` directories with the files of `source` as hard links: jobs of the reference cannot share a directory."""
    made = []
    for number in range(count):
        target = source.with_name(f"{source.name}-{number}")
        target.mkdir()
        for file in source.iterdir():
            os.link(file, target / file.name)
        made.append(target)
    return made
