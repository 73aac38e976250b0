"""Every sample of the twelve fixtures, decoded alone and a batch at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sluice.decoding import Ragged, decode_columns, row_decoder

from PythonClientTests.decoding.expectation import assert_row, assert_value
from PythonClientTests.shards import read_expected, read_shards

DATASETS = [
    "csv", "jsonl", "jsonl_zstd", "mds_br", "mds_bz2", "mds_every_encoding", "mds_gz", "mds_merged", "mds_plain",
    "mds_snappy", "mds_zstd", "tsv_gz",
]  # fmt: skip


def needs_pillow(name: str) -> None:
    if name == "mds_every_encoding":
        pytest.importorskip("PIL", reason="this fixture has images")


@pytest.mark.parametrize("name", DATASETS)
def test_samples(name: str, fixtures: Path) -> None:
    needs_pillow(name)
    root = fixtures / "datasets" / name
    expected = read_expected(root)
    rows = [row_decoder(schema)(memoryview(sample)) for schema, samples in read_shards(root) for sample in samples]
    assert len(rows) == len(expected)
    for row, line in zip(rows, expected, strict=True):
        assert_row(row, line)


def as_items(column: Any, encoding: str) -> list[Any]:
    """A column's values one by one, as the row decoder would give them."""
    if isinstance(column, np.ndarray):
        items = list(column)
        return [item.item() for item in items] if encoding in ("int", "str_float", "float") else items
    return list(column)


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("gap", [0, 3])
def test_columns(name: str, gap: int, fixtures: Path) -> None:
    """A shard's samples at once; with gaps the buffer is longer than the samples and they begin anywhere."""
    needs_pillow(name)
    root = fixtures / "datasets" / name
    expected = iter(read_expected(root))
    for schema, samples in read_shards(root):
        data = np.frombuffer(b"\xff" * gap + b"".join(samples) + b"\xff" * gap, np.uint8).copy()
        offsets = np.cumsum([gap] + [len(sample) for sample in samples])
        columns = decode_columns(schema, data, offsets)
        items = {c.name: as_items(columns[c.name], c.encoding) for c in schema.columns}
        for index in range(len(samples)):
            line = next(expected)
            assert set(items) == set(line)
            for key, values in items.items():
                assert_value(values[index], line[key])
    assert next(expected, None) is None


def test_one_array_for_fixed_columns(fixtures: Path) -> None:
    pytest.importorskip("PIL", reason="this fixture has images")
    schema, samples = next(read_shards(fixtures / "datasets" / "mds_every_encoding"))
    data = np.frombuffer(bytearray(b"".join(samples)), np.uint8)
    columns: dict[str, Any] = decode_columns(schema, data, np.cumsum([0] + [len(sample) for sample in samples]))
    count = len(samples)
    for name, dtype in {
        "u8": "u1",
        "i16": "i2",
        "u32": "u4",
        "i64": "i8",
        "f16": "f2",
        "f32": "f4",
        "f64": "f8",
    }.items():
        assert columns[name].dtype == np.dtype(dtype)
        assert columns[name].shape == (count,)
    assert columns["nd_fixed"].shape == (count, 2, 3)
    assert columns["i"].dtype == np.int64
    assert isinstance(columns["s"], Ragged)
    assert columns["s"].kind == "str"
    assert isinstance(columns["nd_f32"], Ragged)
    assert columns["nd_f32"].values.dtype == np.float32
