"""Makes the package importable from its sources, and finds fixtures."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Sources" / "PythonClient"))
sys.path.insert(0, str(Path(__file__).resolve().parent))


@pytest.fixture(scope="session")
def fixtures() -> Path:
    """The project's fixtures; SLUICE_TEST_FIXTURES names another copy."""
    return Path(os.environ.get("SLUICE_TEST_FIXTURES", ROOT / "Tests" / "Fixtures"))
