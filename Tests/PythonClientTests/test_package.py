"""The package as users get it: a wheel that installs alone, typed, and imports no more than it needs."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import sluice

SOURCES = Path(__file__).resolve().parents[2] / "Sources" / "PythonClient"


def run(*command: str | Path, seconds: float = 240) -> str:
    answer = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False, timeout=seconds)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return answer.stdout


def test_everything_named_exists() -> None:
    assert sorted(sluice.__all__) == sluice.__all__
    needs_torch = {"StreamingDataLoader"} if importlib.util.find_spec("torch") is None else set()
    for name in set(sluice.__all__) - needs_torch:
        assert getattr(sluice, name) is not None
    assert set(dir(sluice)) >= set(sluice.__all__)
    with pytest.raises(AttributeError, match="nothing"):
        sluice.nothing  # noqa: B018


def test_importing_costs_little() -> None:
    """Neither torch nor Pillow is imported before something needs it."""
    code = "import sys, sluice; sluice.connect, sluice.Session; print({'torch', 'PIL'} & set(sys.modules))"
    assert run(sys.executable, "-c", f"import sys; sys.path.insert(0, {str(SOURCES)!r}); {code}").strip() == "set()"


def test_a_wheel_installs_in_a_clean_environment(tmp_path: Path) -> None:
    source = tmp_path / "source"
    shutil.copytree(SOURCES, source, ignore=shutil.ignore_patterns("build", "dist", "*.egg-info", "__pycache__"))
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, source)
    wheel = next(tmp_path.glob("sluice-*.whl"))
    packed = set(zipfile.ZipFile(wheel).namelist())
    for path in (SOURCES / "sluice").rglob("*.py"):
        assert path.relative_to(SOURCES).as_posix() in packed
    assert "sluice/py.typed" in packed
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", environment)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel)
    said = run(python, "-c", "import sluice; print(sluice.__version__, sluice.StreamingDataset.__name__)")
    assert said.split() == [sluice.__version__, "StreamingDataset"]
