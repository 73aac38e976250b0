"""Writes rows with the reference's own MDSWriter, and reads what it and Sluice wrote with its own reader.

    mds_writer.py JOBS.json

Each job is {"rows": JSONL file, "columns": {name: encoding}, "options": MDSWriter's, "theirs": directory to write,
"ours": directory that Sluice wrote}. Prints a line a job: "same N" when N samples of both decode to the same values.
"""

import base64
import json
import os
import sys

import numpy as np
from streaming import MDSWriter
from streaming.base.compression import decompress
from streaming.base.format import reader_from_json


def python_value(encoding, value):
    """What a JSON value of a row stands for under an encoding."""
    if encoding == "bytes":
        return base64.b64decode(value)
    if encoding.startswith("ndarray"):
        parts = encoding.split(":")
        return np.array(value, dtype=parts[1] if len(parts) > 1 else None)
    if encoding == "str_decimal":
        from decimal import Decimal

        return Decimal(value)
    if encoding == "str_float":
        return float(value)
    return value


def write(job):
    with MDSWriter(out=job["theirs"], columns=job["columns"], **job["options"]) as out:
        with open(job["rows"], encoding="utf-8") as rows:
            for line in rows:
                row = json.loads(line)
                out.write({name: python_value(encoding, row[name]) for name, encoding in job["columns"].items()})


def plain(value):
    """A value as JSON that keeps its type."""
    if isinstance(value, np.ndarray):
        return {
            "ndarray": str(value.dtype),
            "shape": list(value.shape),
            "bytes": base64.b64encode(value.tobytes()).decode(),
        }
    if isinstance(value, np.generic):
        return {"scalar": str(value.dtype), "value": str(value)}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    if isinstance(value, (int, str, list, dict, bool, type(None))):
        return value
    return {type(value).__name__: str(value)}


def read(directory):
    samples = []
    with open(os.path.join(directory, "index.json"), encoding="utf-8") as file:
        index = json.load(file)
    for record in index["shards"]:
        raw = os.path.join(directory, record["raw_data"]["basename"])
        if record["zip_data"]:
            with open(os.path.join(directory, record["zip_data"]["basename"]), "rb") as file:
                data = decompress(record["compression"], file.read())
            with open(raw, "wb") as file:
                file.write(data)
        reader = reader_from_json(directory, "", record)
        for position in range(record["samples"]):
            samples.append({name: plain(value) for name, value in sorted(reader[position].items())})
        if record["zip_data"]:
            os.unlink(raw)
    return samples


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        jobs = json.load(file)
    for job in jobs:
        write(job)
        ours, theirs = read(job["ours"]), read(job["theirs"])
        print(f"same {len(ours)}" if ours == theirs else "different")


if __name__ == "__main__":
    main()
