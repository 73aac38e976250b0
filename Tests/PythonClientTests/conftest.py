"""Makes the package importable from its sources, and finds fixtures."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Sources" / "PythonClient"))

if TYPE_CHECKING:
    from PythonClientTests.fake.daemon import FakeDaemon


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The project's fixtures; SLUICE_TEST_FIXTURES names another copy."""
    return Path(os.environ.get("SLUICE_TEST_FIXTURES", ROOT / "Tests" / "Fixtures"))


@pytest.fixture
def daemon(tmp_path: Path, fixtures: Path) -> Iterator[FakeDaemon]:
    """A fake daemon that serves one of the fixtures' datasets."""
    from PythonClientTests.fake.daemon import FakeDaemon
    from PythonClientTests.shards import read_shards

    with FakeDaemon(tmp_path / "sluice.sock", list(read_shards(fixtures / "datasets" / "mds_plain"))) as fake:
        yield fake
