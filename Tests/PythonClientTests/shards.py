"""Reads a small dataset's shards from disk, as the daemon would hand them out: sample bytes and their schema."""

from __future__ import annotations

import bz2
import gzip
import importlib
import json
import struct
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from sluice.decoding import Column, Schema, ShardFormat

_FORMATS = {"mds": ShardFormat.MDS, "json": ShardFormat.JSON}


def schema_of(shard: dict[str, Any]) -> Schema:
    kind = shard["format"]
    if kind == "mds":
        fields = zip(shard["column_names"], shard["column_encodings"], shard["column_sizes"], strict=True)
        return Schema(ShardFormat.MDS, tuple(Column(*field) for field in fields))
    if kind == "json":
        return Schema(
            ShardFormat.JSON, tuple(Column(*field) for field in shard["columns"].items()), newline=shard["newline"]
        )
    pairs = zip(shard["column_names"], shard["column_encodings"], strict=True)
    separator = {"csv": ",", "tsv": "\t"}.get(kind) or shard["separator"]
    return Schema(ShardFormat.SEPARATED, tuple(Column(*pair) for pair in pairs), separator, shard["newline"])


def decompress(data: bytes, family: str) -> bytes:
    if family == "gz":
        return gzip.decompress(data)
    if family == "bz2":
        return bz2.decompress(data)
    name = {"zstd": "zstandard", "br": "brotli", "snappy": "snappy"}[family]
    try:
        module = importlib.import_module(name)
    except ImportError:
        pytest.skip(f"needs the Python module {name} to unpack its fixture")
    unpacked: bytes = module.ZstdDecompressor().decompress(data) if family == "zstd" else module.decompress(data)
    return unpacked


def read_file(root: Path, raw: dict[str, Any], zipped: dict[str, Any] | None, compression: str | None) -> bytes:
    if zipped is None or compression is None:
        return Path(root / raw["basename"]).read_bytes()
    return decompress(Path(root / zipped["basename"]).read_bytes(), compression.split(":")[0])


def read_shards(root: Path) -> Iterator[tuple[Schema, list[bytes]]]:
    """Each shard's schema and samples, in index order."""
    for shard in json.loads((root / "index.json").read_text())["shards"]:
        compression = shard["compression"]
        data = read_file(root, shard["raw_data"], shard["zip_data"], compression)
        table = data
        if shard["format"] != "mds":
            table = read_file(root, shard["raw_meta"], shard["zip_meta"], compression)
        count = struct.unpack_from("<I", table)[0]
        offsets = struct.unpack_from(f"<{count + 1}I", table, 4)
        yield schema_of(shard), [data[a:b] for a, b in pairwise(offsets)]


def read_expected(root: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (root / "expected.jsonl").read_text().splitlines()]
