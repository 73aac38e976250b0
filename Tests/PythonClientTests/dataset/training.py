"""What the dataset tests share. Importable by worker processes that are spawned."""

from __future__ import annotations

from typing import Any

import numpy as np
import sluice

from PythonClientTests.fake.daemon import FakeDaemon


def open_dataset(daemon: FakeDaemon, **arguments: Any) -> sluice.StreamingDataset:
    return sluice.StreamingDataset("fixtures", socket=daemon.path, wait=10, **arguments)


class Shouting(sluice.StreamingDataset):
    """A user's subclass that transforms samples, as programs for the reference do."""

    def __getitem__(self, at: Any) -> Any:
        sample = super().__getitem__(at)
        return {"id": at, "text": str(sample).upper()} if isinstance(sample, dict) else sample


def keep(samples: list[Any]) -> list[Any]:
    """A collate function that leaves samples as they are."""
    return samples


def same(left: Any, right: Any) -> bool:
    """Whether two samples are equal, arrays included."""
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, np.ndarray):
        return bool(left.dtype == right.dtype and left.shape == right.shape and (left == right).all())
    return bool(type(left) is type(right) and left == right)


def all_same(left: list[Any], right: list[Any]) -> bool:
    """Whether two lists of samples are equal."""
    return len(left) == len(right) and all(same(a, b) for a, b in zip(left, right, strict=True))
