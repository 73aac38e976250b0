#!/usr/bin/env python3
"""A stream whose shards come out of tar files: a worked example of the kind `exec`.

    streams:
      scans:
        kind: exec
        with:
          command: [/usr/bin/python3, /etc/sluice/tar_stream.py]
          config:
            directory: /data/scans-tar
            columns: {jpg: jpeg, cls: str}

Every tar file below `directory` becomes one shard. Its members are samples as WebDataset names them: `0001.jpg` and
`0001.cls` are the columns `jpg` and `cls` of sample `0001`. Each sample gets its name as the column `key`.

Sluice starts this program once for each request, writes one JSON object to its standard input, and reads the answer
from descriptor 3. What it prints goes to the daemon's log under the stream's name. Nothing here knows about caching,
retries or verification: that is the daemon's.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import tarfile
from typing import Any, BinaryIO, cast

# A sample's name, and its members by extension.
Sample = tuple[str, dict[str, tarfile.TarInfo]]

NOT_THERE, NOT_PERMITTED, BAD_CONFIGURATION = 66, 77, 78  # of sysexits.h


def main() -> int:
    request = json.load(sys.stdin)
    try:
        stream = TarStream(request["config"], request["split"])
    except (KeyError, TypeError) as error:
        print(f"configuration: {error!r} is missing or wrong", file=sys.stderr)
        return BAD_CONFIGURATION
    with os.fdopen(request["output"]["descriptor"], "wb", buffering=1 << 20) as output:
        try:
            if request["request"] == "manifest":
                output.write(json.dumps(stream.index()).encode())
            else:
                stream.write_shard(request["path"], output)
        except FileNotFoundError as error:
            print(error, file=sys.stderr)
            return NOT_THERE
        except PermissionError as error:
            print(error, file=sys.stderr)
            return NOT_PERMITTED
    return 0


class TarStream:
    """The tar files of a directory, as MDS shards (index.json version 2)."""

    def __init__(self, config: dict[str, Any], split: str | None) -> None:
        self.directory = os.path.join(config["directory"], split or "")
        encodings = dict(config["columns"])
        if "key" in encodings:
            raise KeyError("a column cannot be called key")
        self.extensions = sorted(encodings)
        encodings["key"] = "str"
        # MDS keeps its columns sorted by name; all of these have a length of their own in every sample.
        self.columns = sorted(encodings)
        self.encodings = [encodings[name] for name in self.columns]

    def index(self) -> dict[str, Any]:
        paths = []
        for root, _, names in os.walk(self.directory):
            paths += [os.path.relpath(os.path.join(root, name), self.directory) for name in names]
        # The order of the shards is the order of the samples: it must not depend on the file system.
        tars = sorted(path for path in paths if path.endswith(".tar"))
        return {"shards": [self.shard(path) for path in tars], "version": 2}

    def shard(self, path: str) -> dict[str, Any]:
        with tarfile.open(os.path.join(self.directory, path)) as tar:
            samples = self.samples(tar)
        size = len(self.header(samples)) + sum(self.sample_bytes(*sample) for sample in samples)
        return {
            "column_encodings": self.encodings,
            "column_names": self.columns,
            "column_sizes": [None] * len(self.columns),
            "compression": None,
            "format": "mds",
            "hashes": [],
            "raw_data": {"basename": path.removesuffix(".tar") + ".mds", "bytes": size, "hashes": {}},
            "samples": len(samples),
            "size_limit": None,
            "version": 2,
            "zip_data": None,
        }

    def write_shard(self, path: str, output: BinaryIO) -> None:
        with tarfile.open(os.path.join(self.directory, path.removesuffix(".mds") + ".tar")) as tar:
            samples = self.samples(tar)
            output.write(self.header(samples))
            for key, members in samples:
                values = {name: content(tar, member) for name, member in members.items()}
                values["key"] = key.encode()
                output.write(struct.pack(f"<{len(self.columns)}I", *(len(values[name]) for name in self.columns)))
                for name in self.columns:
                    output.write(values[name])

    def samples(self, tar: tarfile.TarFile) -> list[Sample]:
        """The samples in the order of the tar file, from its headers alone: (key, {extension: member})."""
        samples: dict[str, dict[str, tarfile.TarInfo]] = {}
        for member in tar:
            if not member.isfile():
                continue
            folder, name = os.path.split(member.name)
            key, _, extension = name.partition(".")
            if extension in self.extensions:
                samples.setdefault(os.path.join(folder, key), {})[extension] = member
        for key, members in samples.items():
            if len(members) != len(self.extensions):
                missing = sorted(set(self.extensions) - set(members))
                raise ValueError(f"{tar.name!r}: sample {key} lacks {', '.join(missing)}")
        return list(samples.items())

    def sample_bytes(self, key: str, members: dict[str, tarfile.TarInfo]) -> int:
        lengths = 4 * len(self.columns)
        return lengths + len(key.encode()) + sum(member.size for member in members.values())

    def header(self, samples: list[Sample]) -> bytes:
        """Count of samples, their offsets, and the writer's settings, which readers skip."""
        settings = json.dumps({"column_names": self.columns, "format": "mds", "version": 2}, sort_keys=True).encode()
        offset = 4 + 4 * (len(samples) + 1) + len(settings)
        offsets = [offset]
        for sample in samples:
            offset += self.sample_bytes(*sample)
            offsets.append(offset)
        return struct.pack(f"<{len(offsets) + 1}I", len(samples), *offsets) + settings


def content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    # Only members that are no files have no content, and those are not in any sample.
    with cast(BinaryIO, tar.extractfile(member)) as file:
        return file.read()


if __name__ == "__main__":
    sys.exit(main())
