"""Compares a decoded value with its line in `expected.jsonl`, to the value and the type."""

from __future__ import annotations

import base64
import hashlib
import math
from decimal import Decimal
from typing import Any

import numpy as np


def assert_value(value: Any, expected: Any) -> None:
    if not isinstance(expected, dict) or not _is_description(expected):
        assert type(value) is type(expected)
        assert value == expected
    elif "bytes_b64" in expected and "ndarray" not in expected:
        assert type(value) is bytes
        assert value == base64.b64decode(expected["bytes_b64"])
    elif "ndarray" in expected:
        assert type(value) is np.ndarray
        assert value.dtype == np.dtype(expected["ndarray"])
        assert value.dtype.isnative
        assert value.shape == tuple(expected["shape"])
        assert value.tobytes() == base64.b64decode(expected["bytes_b64"])
    elif "scalar" in expected:
        dtype = np.dtype(expected["scalar"])
        assert type(value) is dtype.type
        assert value == dtype.type(expected["value"])
    elif "float" in expected:
        assert type(value) is float
        assert repr(value) == expected["float"] or (math.isnan(value) and expected["float"] == "nan")
    elif "decimal" in expected:
        assert type(value) is Decimal
        assert str(value) == expected["decimal"]
    else:
        assert value.mode == expected["image_mode"]
        assert list(value.size) == expected["size"]
        assert hashlib.sha256(value.tobytes()).hexdigest() == expected["pixels_sha256"]


def _is_description(expected: dict[str, Any]) -> bool:
    return bool({"bytes_b64", "ndarray", "scalar", "float", "decimal", "image_mode"} & expected.keys())


def assert_row(row: dict[str, Any], expected: dict[str, Any]) -> None:
    assert set(row) == set(expected)
    for name, value in row.items():
        assert_value(value, expected[name])
