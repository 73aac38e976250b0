"""Reading samples out of the files that the daemon passed."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from sluice.connection.files import OpenFiles
from sluice.errors import ShardError

SIZE = 1 << 20
SAMPLE = 40 << 10


def open_descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_samples_lie_end_to_end(tmp_path: Path) -> None:
    before = open_descriptors()
    contents = [np.random.default_rng(seed).integers(0, 256, SIZE, np.uint8) for seed in (1, 2)]
    files = OpenFiles()
    for handle, content in enumerate(contents, 1):
        content.tofile(tmp_path / str(handle))
        files.add(handle, os.open(tmp_path / str(handle), os.O_RDONLY))
    handles = np.array([1, 2, 2, 1, 1], np.uint32)
    # Neighbours, small and large samples, the very end of a file.
    offsets = np.array([0, 500_000, 500_000 + SAMPLE, 17, SIZE - SAMPLE], np.int64)
    lengths = np.array([SAMPLE, SAMPLE, SAMPLE, 100, SAMPLE], np.uint32)
    target = np.zeros(int(lengths.sum()), np.uint8)
    files.read(handles, offsets, lengths, target)
    rows = zip(handles.tolist(), offsets.tolist(), lengths.tolist(), strict=True)
    expected = np.concatenate([contents[handle - 1][at : at + size] for handle, at, size in rows])
    assert (target == expected).all()
    files.drop((1,))
    files.close()
    assert len(files) == 0
    assert open_descriptors() == before


@pytest.mark.parametrize("left", [0, 1000])
def test_a_file_that_was_cut_short(tmp_path: Path, left: int) -> None:
    path = tmp_path / "shard"
    path.write_bytes(bytes(left))
    files = OpenFiles()
    files.add(1, os.open(path, os.O_RDONLY))
    with pytest.raises(ShardError, match="cut short"):
        files.read(
            np.array([1], np.uint32), np.array([8], np.int64), np.array([SAMPLE], np.uint32), np.zeros(SAMPLE, np.uint8)
        )
    files.close()
