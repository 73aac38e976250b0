"""What decoding does without: a loop over samples where the layout allows, and Pillow where there is no image."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sluice.decoding import Column, Schema, ShardFormat, decode_columns

SOURCES = Path(__file__).resolve().parents[3] / "Sources" / "PythonClient"

FIXED = Schema(
    ShardFormat.MDS,
    (
        Column("f", "float32", 4),
        Column("i", "int", 8),
        Column("tokens", "ndarray:uint16:16", 32),
        Column("u", "uint8", 1),
    ),
)


def calls(body: Callable[[], Any]) -> int:
    """How many functions, Python's and C's, `body` calls."""
    count = 0

    def tell(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(tell)
    try:
        body()
    finally:
        sys.setprofile(None)
    return count


def test_a_fixed_layout_costs_the_same_calls_whatever_the_batch() -> None:
    width = sum(column.size or 0 for column in FIXED.columns)

    def decode(samples: int) -> dict[str, Any]:
        raw = np.arange(samples * width, dtype=np.uint32).astype(np.uint8)
        return decode_columns(FIXED, raw, np.arange(samples + 1, dtype=np.int64) * width)

    columns = decode(5000)
    assert columns["tokens"].shape == (5000, 16)
    assert columns["i"].dtype == np.int64
    decode(2)  # what is remembered between calls
    assert calls(lambda: decode(10)) == calls(lambda: decode(5000))


def test_fixed_columns_beside_text_cost_the_same_calls_too() -> None:
    """A sample's own lengths stand before its columns, so the places of all of them are worked out at once."""
    schema = Schema(ShardFormat.MDS, (*FIXED.columns, Column("empty", "bytes")))
    width = 4 + sum(column.size or 0 for column in FIXED.columns)

    def decode(samples: int) -> dict[str, Any]:
        table = np.arange(samples * width, dtype=np.uint32).astype(np.uint8).reshape(samples, width)
        table[:, :4] = 0
        return decode_columns(schema, table.reshape(-1), np.arange(samples + 1, dtype=np.int64) * width)

    columns = decode(3000)
    assert columns["tokens"].shape == (3000, 16)
    assert len(columns["empty"]) == 3000
    decode(2)
    few, many = (calls(lambda count=count: decode(count)["tokens"].sum()) for count in (10, 3000))
    assert many - few < 20


LAZY = """
import io, struct, sys
sys.path.insert(0, {sources!r})
import numpy as np
import sluice
from sluice.decoding import Column, Schema, ShardFormat, decode_columns, row_decoder

text = Schema(ShardFormat.MDS, (Column("t", "str"),))
sample = struct.pack("<I", 2) + b"hi"
offsets = np.array([0, len(sample)])
assert row_decoder(text)(memoryview(sample)) == {{"t": "hi"}}
assert list(decode_columns(text, np.frombuffer(sample, np.uint8), offsets)["t"]) == ["hi"]
image = Schema(ShardFormat.MDS, (Column("x", "pil"),))
decode = row_decoder(image)
assert "PIL" not in sys.modules, "nothing has been an image so far"
pixels = struct.pack("<III", 1, 1, 1) + b"L" + b"\\x07"
{ending}
"""


def run(ending: str) -> None:
    code = LAZY.format(sources=str(SOURCES), ending=ending)
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert answer.returncode == 0, answer.stderr


def test_pillow_is_imported_for_the_first_image() -> None:
    pytest.importorskip("PIL", reason="Pillow is not installed")
    run(
        'assert decode(memoryview(struct.pack("<I", len(pixels)) + pixels))["x"].tobytes() == b"\\x07"\n'
        'assert "PIL" in sys.modules'
    )


def test_without_pillow_only_images_fail_and_say_what_to_install() -> None:
    run(
        'sys.modules["PIL"] = None\n'
        "try:\n"
        '    decode(memoryview(struct.pack("<I", len(pixels)) + pixels))\n'
        "except sluice.SluiceError as error:\n"
        "    assert \"pip install 'sluice[images]'\" in str(error), error\n"
        "else:\n"
        '    raise AssertionError("an image without Pillow")\n'
    )
