"""Writes MDS streams: index.json version 2 and shards, from the description of the format alone."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

Sample = Mapping[str, Any]

_FIXED = {"int": 8, "uint16": 2, "int32": 4, "float32": 4, "float64": 8}
_ENCODERS: dict[str, Callable[[Any], bytes]] = {
    "bytes": bytes,
    "str": lambda value: str(value).encode(),
    "int": lambda value: struct.pack("<q", value),
    "uint16": lambda value: struct.pack("<H", value),
    "int32": lambda value: struct.pack("<i", value),
    "float32": lambda value: struct.pack("<f", value),
    "float64": lambda value: struct.pack("<d", value),
    "json": lambda value: json.dumps(value).encode(),
}


@dataclass
class MDSWriter:
    """Writes one stream: samples in, shards of at most `shard_bytes` and an index out."""

    directory: Path
    columns: Mapping[str, str]
    shard_bytes: int = 1 << 20
    hashes: tuple[str, ...] = ("sha256",)
    records: list[dict[str, Any]] = field(default_factory=list)
    pending: list[bytes] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.names = sorted(self.columns)

    def write(self, sample: Sample) -> None:
        """Add one sample."""
        encoded = self.encode(sample)
        taken = sum(len(other) + 4 for other in self.pending)
        if self.pending and taken + len(encoded) + 4 > self.shard_bytes:
            self.flush()
        self.pending.append(encoded)

    def encode(self, sample: Sample) -> bytes:
        """Lay out a sample: lengths of the columns without a fixed size, then every column's data."""
        head, body = b"", b""
        for name in self.names:
            encoding = self.columns[name]
            data = _ENCODERS[encoding](sample[name])
            if encoding not in _FIXED:
                head += struct.pack("<I", len(data))
            body += data
        return head + body

    def flush(self) -> None:
        """Write what is pending as the next shard."""
        settings = {
            "column_encodings": [self.columns[name] for name in self.names],
            "column_names": self.names,
            "column_sizes": [_FIXED.get(self.columns[name]) for name in self.names],
            "compression": None,
            "format": "mds",
            "hashes": list(self.hashes),
            "size_limit": self.shard_bytes,
            "version": 2,
        }
        shard = _shard(self.pending, json.dumps(settings, sort_keys=True).encode())
        basename = f"shard.{len(self.records):05}.mds"
        (self.directory / basename).write_bytes(shard)
        digests = {name: hashlib.new(name, shard).hexdigest() for name in self.hashes}
        raw = {"basename": basename, "bytes": len(shard), "hashes": digests}
        self.records.append({**settings, "raw_data": raw, "samples": len(self.pending), "zip_data": None})
        self.pending = []

    def finish(self) -> None:
        """Write the last shard and the index."""
        if self.pending:
            self.flush()
        index = {"shards": self.records, "version": 2}
        (self.directory / "index.json").write_text(json.dumps(index, sort_keys=True))


def _shard(samples: list[bytes], config: bytes) -> bytes:
    offset = 4 + 4 * (len(samples) + 1) + len(config)
    offsets = [offset]
    for sample in samples:
        offset += len(sample)
        offsets.append(offset)
    return struct.pack(f"<I{len(offsets)}I", len(samples), *offsets) + config + b"".join(samples)


def write_stream(
    directory: Path, columns: Mapping[str, str], samples: Iterable[Sample], shard_bytes: int = 1 << 20
) -> int:
    """Write a whole stream and give the bytes of its shards."""
    writer = MDSWriter(directory, columns, shard_bytes)
    for sample in samples:
        writer.write(sample)
    writer.finish()
    return sum(record["raw_data"]["bytes"] for record in writer.records)
