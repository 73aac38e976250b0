"""Values that the fixtures lack, and bytes that are not of their encoding."""

from __future__ import annotations

import io
import math
import pickle
import random
import struct
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from sluice.decoding import Column, Ragged, Schema, ShardFormat, decode_columns, row_decoder, value_decoder
from sluice.errors import DecodingError, UnsafeTypeError


def decode(encoding: str, data: bytes, allow_unsafe_types: bool = False) -> Any:
    return value_decoder(encoding, allow_unsafe_types)(memoryview(data))


@pytest.mark.parametrize(
    ("encoding", "data", "expected"),
    [
        ("str_int", b"-123456789012345678901234567890", -123456789012345678901234567890),
        ("str_float", b"1e+30", 1e30),
        ("str_decimal", b"1.10", Decimal("1.10")),
        ("json", b'{"a": [1, null, "\\u00e9"]}', {"a": [1, None, "é"]}),
        ("bytes", b"", b""),
        ("str", "hé".encode(), "hé"),
        ("int", struct.pack("<q", -2), -2),
    ],
)
def test_values(encoding: str, data: bytes, expected: object) -> None:
    value = decode(encoding, data)
    assert type(value) is type(expected)
    assert value == expected


def test_float_specials() -> None:
    assert math.isnan(decode("str_float", b"nan"))
    assert decode("str_float", b"-inf") == -math.inf


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("ndarray", "11 08 02 02 0100 0200 0300 0400"),
        ("ndarray:int16", "08 02 02 0100 0200 0300 0400"),
        ("ndarray:int16:2,2", "0100 0200 0300 0400"),
    ],
)
def test_array_forms(encoding: str, data: str) -> None:
    value = decode(encoding, bytes.fromhex(data))
    assert value.dtype == np.int16
    assert value.tolist() == [[1, 2], [3, 4]]
    assert value.flags.writeable
    assert value.flags.aligned


def test_array_with_wide_shape() -> None:
    values = np.arange(300, dtype=np.float16)
    value = decode("ndarray", bytes.fromhex("12 09 2c01 0100") + values.tobytes())
    assert value.shape == (300, 1)
    assert (value[:, 0] == values).all()


@pytest.mark.parametrize(
    "encoding", ["ndarray::2,2", "ndarray:bool", "ndarray:int8:0", "ndarray:int8:x", "no", "str:x"]
)
def test_unknown_encodings(encoding: str) -> None:
    with pytest.raises(DecodingError, match="not an encoding"):
        value_decoder(encoding)


def test_pickle_needs_permission() -> None:
    data = pickle.dumps({"a": 1})
    with pytest.raises(UnsafeTypeError, match="allow_unsafe_types"):
        value_decoder("pkl")
    assert decode("pkl", data, allow_unsafe_types=True) == {"a": 1}
    schema = Schema(ShardFormat.MDS, (Column("p", "pkl"),))
    sample = struct.pack("<I", len(data)) + data
    with pytest.raises(UnsafeTypeError, match="'p'"):
        row_decoder(schema)
    raw, offsets = np.frombuffer(sample, np.uint8), np.array([0, len(sample)])
    with pytest.raises(UnsafeTypeError):
        decode_columns(schema, raw, offsets)
    assert decode_columns(schema, raw, offsets, True) == {"p": [{"a": 1}]}


def test_images() -> None:
    image_module = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
    image = image_module.new("RGB", (3, 2), (200, 30, 4))

    def encoded(kind: str) -> bytes:
        out = io.BytesIO()
        image.save(out, format=kind)
        return out.getvalue()

    jpeg, png = encoded("JPEG"), encoded("PNG")
    raw = struct.pack("<III", 3, 2, 3) + b"RGB" + image.tobytes()
    assert decode("pil", raw).tobytes() == image.tobytes()
    assert decode("jpeg", jpeg).format == "JPEG"
    assert decode("png", png).tobytes() == image.tobytes()
    pair = struct.pack("<II", len(jpeg), len(jpeg)) + jpeg * 2
    for name in ("jpeg_array", "jpegarray"):
        assert [item.size for item in decode(name, struct.pack("<I", 2) + pair)] == [(3, 2)] * 2
    with pytest.raises(ValueError, match="no images"):
        decode("jpeg_array", struct.pack("<I", 0))
    assert len(decode("list[jpeg]", struct.pack("<II", 0, 2) + pair)) == 2
    assert decode("list[png]", struct.pack("<II", 0, 0)) == []
    (item,) = decode("list[pil]", struct.pack("<III", 0, 1, len(raw)) + raw)
    assert item.tobytes() == image.tobytes()
    with pytest.raises(ValueError, match="past the end"):
        decode("list[png]", struct.pack("<III", 0, 1, 99) + png[:20])


def test_broken_samples_are_named() -> None:
    schema = Schema(ShardFormat.MDS, (Column("a", "int", 8), Column("b", "str"), Column("c", "bytes")))
    good = bytes.fromhex("03000000 03000000 feffffffffffffff 68c3a9 010203")
    row = row_decoder(schema)
    assert row(memoryview(good)) == {"a": -2, "b": "hé", "c": b"\1\2\3"}
    with pytest.raises(DecodingError, match="'c' reaches past"):
        row(memoryview(good[:-1]))
    with pytest.raises(DecodingError, match="too short"):
        row(memoryview(good[:7]))
    broken = bytearray(good)
    broken[16] = 0xFF
    with pytest.raises(DecodingError, match="'b' is not str"):
        row(memoryview(broken))
    with pytest.raises(DecodingError, match="'c' reaches past"):
        decode_columns(schema, np.frombuffer(good[:-1], np.uint8), np.array([0, len(good) - 1]))


def test_separated_rows() -> None:
    columns = (Column("a", "int"), Column("b", "float"), Column("c", "str"))
    schema = Schema(ShardFormat.SEPARATED, columns, separator="||", newline="\r\n")
    row = row_decoder(schema)
    assert row(memoryview(b"1||0.5||x y||more\r\n")) == {"a": 1, "b": 0.5, "c": "x y"}
    with pytest.raises(DecodingError, match="'a' is not int"):
        row(memoryview(b"x||0.5||y\r\n"))


def test_json_columns_take_what_does_not_fit() -> None:
    schema = Schema(ShardFormat.JSON, (Column("a", "int"), Column("b", "str")))
    rows = [b'{"a": 1, "b": "x"}\n', b'{"a": 100000000000000000000, "b": null}\n']
    columns = decode_columns(
        schema, np.frombuffer(b"".join(rows), np.uint8), np.cumsum([0] + [len(row) for row in rows])
    )
    assert columns == {"a": [1, 10**20], "b": ["x", None]}


def test_ragged_arrays_of_many_shapes() -> None:
    """Lengths on both sides of 256 have shape headers of different widths."""
    seed = random.randrange(2**32)  # noqa: S311
    print(f"seed {seed}")
    rng = random.Random(seed)  # noqa: S311
    arrays = [np.arange(rng.choice([1, 7, 255, 256, 4000]), dtype=np.int32) + index for index in range(50)]

    def encoded(array: np.ndarray) -> bytes:
        wide = len(array) > 255
        value = bytes([1 << 2 | wide]) + len(array).to_bytes(1 + wide, "little") + array.tobytes()
        return struct.pack("<I", len(value)) + value

    samples = [encoded(array) for array in arrays]
    schema = Schema(ShardFormat.MDS, (Column("x", "ndarray:int32"),))
    raw = np.frombuffer(bytearray(b"".join(samples)), np.uint8)
    column = decode_columns(schema, raw, np.cumsum([0] + [len(sample) for sample in samples]))["x"]
    assert isinstance(column, Ragged)
    assert column.values.dtype == np.int32
    assert column.lengths.tolist() == [len(array) for array in arrays]
    assert all((got == array).all() for got, array in zip(column, arrays, strict=True))
    with pytest.raises(ValueError, match="one shape"):
        column.dense()


def test_mixed_array_types_become_a_list() -> None:
    values = [bytes.fromhex("09 04 02 01ff"), bytes.fromhex("08 08 01 02 0a0b")]
    samples = [struct.pack("<I", len(value)) + value for value in values]
    schema = Schema(ShardFormat.MDS, (Column("x", "ndarray"),))
    raw = np.frombuffer(b"".join(samples), np.uint8)
    column = decode_columns(schema, raw, np.cumsum([0] + [len(sample) for sample in samples]))["x"]
    assert [array.dtype.name for array in column] == ["int8", "uint8"]
    assert [array.tolist() for array in column] == [[1, -1], [[10, 11]]]


def test_mutated_samples_raise_nothing_but_decoding_errors() -> None:
    """Both decoders agree on which damaged samples are readable, and neither reads past a sample."""
    seed = random.randrange(2**32)  # noqa: S311
    print(f"seed {seed}")
    rng = random.Random(seed)  # noqa: S311
    schema = Schema(
        ShardFormat.MDS,
        (Column("a", "ndarray"), Column("b", "str"), Column("c", "int", 8), Column("d", "ndarray:uint8")),
    )
    parts = [bytes.fromhex("11 08 02 01 0100 0200"), b"text", struct.pack("<q", 5), bytes.fromhex("04 03 010203")]
    good = struct.pack("<III", len(parts[0]), len(parts[1]), len(parts[3])) + b"".join(parts)
    row = row_decoder(schema)
    for _ in range(3000):
        sample = bytearray(good)
        for _ in range(rng.randrange(1, 4)):
            sample[rng.randrange(len(sample))] = rng.randrange(256)
        sample = sample[: rng.randrange(len(sample) + 1)] if rng.random() < 0.3 else sample
        outcomes: list[Any] = []
        for decode_one in (
            lambda: row(memoryview(sample)),  # noqa: B023
            lambda: decode_columns(schema, np.frombuffer(sample, np.uint8), np.array([0, len(sample)])),  # noqa: B023
        ):
            try:
                outcomes.append(decode_one())
            except DecodingError:
                outcomes.append(None)
        by_row, by_column = outcomes
        if by_row is not None:
            assert by_column is not None
            assert (by_column["a"][0] == by_row["a"]).all()
            assert by_column["c"][0] == by_row["c"]
