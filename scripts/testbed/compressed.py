"""Turns a stream of plain MDS shards into one whose shards are compressed."""

from __future__ import annotations

import bz2
import hashlib
import json
from pathlib import Path


def compress_stream(directory: Path) -> None:
    """Compress every shard of a stream with bz2 (slow to undo, which is the point), and say so in its index."""
    index_file = directory / "index.json"
    index = json.loads(index_file.read_text())
    for record in index["shards"]:
        shard = directory / record["raw_data"]["basename"]
        data = bz2.compress(shard.read_bytes(), 9)
        name = f"{shard.name}.bz2"
        (directory / name).write_bytes(data)
        shard.unlink()
        digests = {algorithm: hashlib.new(algorithm, data).hexdigest() for algorithm in record["hashes"]}
        record["zip_data"] = {"basename": name, "bytes": len(data), "hashes": digests}
        record["compression"] = "bz2:9"
    index_file.write_text(json.dumps(index, sort_keys=True))
