"""The golden datasets through the real daemon and the client, to the value and the type."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sluice
from sluice.wire.batches import Bytes

from PythonClientTests.decoding.expectation import assert_row, assert_value
from PythonClientTests.shards import read_expected
from testbed.daemon import Daemon, write_configuration

ROOT = Path(__file__).resolve().parents[2] / "Fixtures" / "datasets"
DATASETS = sorted(path.name for path in ROOT.iterdir() if (path / "expected.jsonl").is_file())


@pytest.fixture(scope="module")
def socket() -> Iterator[Path]:
    """A daemon that serves each of them under its folder's name."""
    directory = Path(tempfile.mkdtemp(prefix="sluice-"))
    document = {
        "socket": {"path": str(directory / "s.sock")},
        "cache": {"directory": str(directory / "cache"), "limit": "64mb", "reserve": "1mb"},
        "streams": {name: {"local": str(ROOT / name)} for name in DATASETS},
        "datasets": {name: {"streams": [name], "batch_size": 7} for name in DATASETS},
    }
    try:
        try:
            file = write_configuration(directory / "sluiced.yaml", document)
            daemon = Daemon.start(file, directory / "s.sock", directory / "log")
        except FileNotFoundError as error:
            pytest.skip(str(error))
        try:
            daemon.wait_ready()
            yield daemon.socket
        finally:
            daemon.kill()
            print(daemon.log_end(60))
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def needs_pillow(name: str) -> None:
    if name == "mds_every_encoding":
        pytest.importorskip("PIL", reason="these samples hold images")


@pytest.mark.parametrize("name", DATASETS)
def test_samples(socket: Path, name: str) -> None:
    """In order by iteration, and each by its number."""
    needs_pillow(name)
    expected = read_expected(ROOT / name)
    dataset = sluice.StreamingDataset(name, socket=socket)
    assert dataset.size == len(expected)
    for samples in (list(dataset), dataset[:]):
        assert len(samples) == len(expected)
        for sample, line in zip(samples, expected, strict=True):
            assert_row(sample, line)


@pytest.mark.parametrize("name", DATASETS)
@pytest.mark.parametrize("how", [Bytes.INLINE, Bytes.DESCRIPTORS])
def test_columns(socket: Path, name: str, how: Bytes) -> None:
    """A batch's columns at once, its bytes inline or read from descriptors."""
    needs_pillow(name)
    expected = iter(read_expected(ROOT / name))
    with sluice.connect(socket) as client, client.open(name, how=how) as session:
        for batch in session.batches(0):
            columns: dict[str, Any] = {}
            for key, column in batch.columns().items():
                values = list(column)
                if isinstance(column, np.ndarray) and encoding_of(batch, key) in ("int", "float", "str_float"):
                    values = column.tolist()
                columns[key] = values
            for index in range(len(batch)):
                line = next(expected)
                assert set(columns) == set(line)
                for key, values in columns.items():
                    assert_value(values[index], line[key])
    assert next(expected, None) is None


def encoding_of(batch: sluice.Batch, name: str) -> str:
    schema = batch.decoders.schemas[int(batch.schemas[0])]
    return next(column.encoding for column in schema.columns if column.name == name)
