"""Holds every file of the project to the house's rules."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from Style import house
from Style.diagram import describe_package, diagram_violations
from Style.rules import Violation, swift_violations
from Style.text_rules import python_violations, shell_violations, text_violations


def project_files(*suffixes: str) -> list[Path]:
    """Files that are committed, or would be; the style tests themselves quote what they ban."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=house.ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    files = [house.ROOT / name for name in listed if name and not name.startswith("Tests/Style/")]
    return [path for path in files if path.is_file() and (not suffixes or path.suffix in suffixes)]


def found_in(files: list[Path], rule: Callable[[str, str], Iterable[Violation]]) -> list[str]:
    violations: list[Violation] = []
    for path in files:
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # binary data, such as a fixture's shard
        violations += rule(str(path.relative_to(house.ROOT)), text)
    return [str(violation) for violation in violations]


def require_none(violations: list[str]) -> None:
    if violations:
        pytest.fail(f"{len(violations)} to mend:\n" + "\n".join(violations), pytrace=False)


def test_swift_sources() -> None:
    files = project_files(".swift")
    assert files
    require_none(found_in([path for path in files if path.name != "Package.swift"], swift_violations))


def test_python_sources() -> None:
    files = project_files(".py")
    assert files
    require_none(found_in(files, python_violations))


def test_scripts() -> None:
    files = [path for path in project_files("", ".sh") if path.read_bytes()[:64].startswith(b"#!") and
             b"bash" in path.read_bytes()[:64]]  # fmt: skip
    assert files
    require_none(found_in(files, shell_violations))


def test_no_machine_paths_or_hosts() -> None:
    require_none(found_in(project_files(), text_violations))


def test_package_matches_the_diagram() -> None:
    package = describe_package()
    if package is None:
        pytest.skip("swift is not on the PATH: Package.swift cannot be read")
    require_none([str(violation) for violation in diagram_violations(package)])


def test_top_level_holds_what_the_design_says() -> None:
    tops = {str(path.relative_to(house.ROOT)).split("/")[0] for path in project_files()}
    strangers = {name for name in tops if not name.startswith(".")} - house.TOP_LEVEL
    assert not strangers, f"the top level is fixed: {', '.join(sorted(strangers))} does not belong there"
