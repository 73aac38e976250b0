"""Several threads that read one batch."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sluice.connection.files import OpenFiles
from sluice.connection.readers import Readers, is_large
from sluice.errors import ShardError

SIZE = 9 << 20


@pytest.fixture
def shard(tmp_path: Path) -> tuple[Path, NDArray[np.uint8]]:
    content = np.random.default_rng(5).integers(0, 256, SIZE, np.uint8)
    content.tofile(tmp_path / "shard")
    return tmp_path / "shard", content


def reading_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "sluice-reader"]


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_every_byte_is_where_it_belongs(shard: tuple[Path, NDArray[np.uint8]], threads: int) -> None:
    seed = int(np.random.SeedSequence().generate_state(1)[0])
    print(f"seed {seed}")
    dice = np.random.default_rng(seed)
    path, content = shard
    files = OpenFiles()
    for handle in (1, 2):
        files.add(handle, os.open(path, os.O_RDONLY))
    for _ in range(20):
        # Scattered samples, and now and then neighbours, which are read as one.
        rows: list[tuple[int, int, int]] = []
        for _ in range(int(dice.integers(1, 30))):
            size = int(dice.integers(1, 600_000))
            begin = int(dice.integers(SIZE - size))
            if rows and dice.random() < 0.3:
                begin = min(rows[-1][1] + rows[-1][2], SIZE - size)
            rows.append((int(dice.integers(1, 3)), begin, size))
        handles, offsets, lengths = (np.array(column) for column in zip(*rows, strict=True))
        target = np.zeros(int(lengths.sum()), np.uint8)
        files.read(handles.astype(np.uint32), offsets, lengths.astype(np.uint32), target, threads)
        expected = np.concatenate([content[begin : begin + size] for _, begin, size in rows])
        assert (target == expected).all()
    assert len(reading_threads()) == threads - 1
    helpers = reading_threads()
    files.close()
    for helper in helpers:
        helper.join(10)
        assert not helper.is_alive()


@pytest.mark.parametrize("bad", range(6))
def test_a_failure_in_any_thread_is_the_callers(shard: tuple[Path, NDArray[np.uint8]], bad: int) -> None:
    path, _ = shard
    readers = Readers(2)
    descriptor = os.open(path, os.O_RDONLY)
    target = memoryview(bytearray(6 << 20))
    pieces = [(descriptor, SIZE - 10 if number == bad else 0, number << 20, 1 << 20) for number in range(6)]
    with pytest.raises(ShardError, match="cut short"):
        readers.read(pieces, target)
    # The next batch is none the worse for it.
    readers.read([(descriptor, 0, 0, 6 << 20)], target)
    assert target == path.read_bytes()[: 6 << 20]
    readers.close()
    os.close(descriptor)


def test_small_samples_are_read_by_one_thread() -> None:
    assert not is_large([(0, 0, 0, 16 << 10)] * 512, 8 << 20)
    assert not is_large([(0, 0, 0, 1 << 20)], 1 << 20)
    assert is_large([(0, 0, 0, 128 << 10)] * 64, 8 << 20)
    assert is_large([(0, 0, 0, 8 << 20)], 8 << 20)
