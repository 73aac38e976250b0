"""The package as users get it: a wheel that installs alone, typed, and imports no more than it needs."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import sluice

from PythonClientTests.fake.daemon import FakeDaemon
from testbed.daemon import program

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


USES = """
import json, sys
import numpy, sluice
assert "torch" not in sys.modules
try:
    sluice.StreamingDataLoader
except ImportError as error:
    said = str(error)
dataset = sluice.StreamingDataset("fixtures", socket=sys.argv[1], batch_size=4)
samples = list(dataset)
loader = sluice.BatchLoader(dataset)
batches = list(loader)
kinds = {type(column).__name__ for batch in batches for column in batch.values()}
with sluice.connect(sys.argv[1]) as client, client.open("fixtures", batch_size=4) as session:
    native = sum(len(batch) for batch in session.batches())
print(json.dumps([sluice.__version__, said, len(samples), len(batches), sorted(kinds), native, loader.state_dict()]))
"""


@pytest.mark.timeout(600)
def test_a_wheel_installs_in_a_clean_environment_without_torch(tmp_path: Path, daemon: FakeDaemon) -> None:
    """`python -m build` makes a source distribution and from it the wheel; installed alone, with numpy, it trains."""
    source = tmp_path / "source"
    shutil.copytree(SOURCES, source, ignore=shutil.ignore_patterns("build", "dist", "*.egg-info", "__pycache__"))
    run(sys.executable, "-m", "build", "--outdir", tmp_path / "dist", source)
    assert list((tmp_path / "dist").glob(f"sluice-{sluice.__version__}.tar.gz"))
    wheel = next((tmp_path / "dist").glob(f"sluice-{sluice.__version__}-py3-none-any.whl"))
    packed = set(zipfile.ZipFile(wheel).namelist())
    for path in (SOURCES / "sluice").rglob("*.py"):
        assert path.relative_to(SOURCES).as_posix() in packed
    assert "sluice/py.typed" in packed
    environment = tmp_path / "environment"
    run(sys.executable, "-m", "venv", environment)
    python = environment / "bin" / "python"
    run(python, "-m", "pip", "install", "--quiet", wheel)
    installed = run(python, "-m", "pip", "list", "--format", "freeze").split()
    assert {line.split("==")[0] for line in installed} <= {"numpy", "pip", "setuptools", "sluice", "wheel"}
    answer = json.loads(run(python, "-c", USES, daemon.path))
    count = len(daemon.samples)
    version, said, samples, batches, kinds, native, state = answer
    assert version == sluice.__version__
    assert "torch" in said
    assert (samples, batches, native) == (count, -(-count // 4), count)
    assert "Tensor" not in kinds
    assert state["sample_in_epoch"] == count


def test_programs_and_package_are_of_one_version() -> None:
    for name in ("sluiced", "sluice"):
        try:
            path = program(name)
        except FileNotFoundError as error:
            pytest.skip(str(error))
        assert run(path, "--version").strip() == sluice.__version__
