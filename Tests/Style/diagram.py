"""Checks Package.swift, as SwiftPM understands it, against DESIGN's diagram."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

from Style import house
from Style.rules import Violation


def describe_package() -> dict[str, Any] | None:
    """The package as JSON; None where there is no Swift."""
    if shutil.which("swift") is None:
        return None
    command = ["swift", "package", "dump-package"]
    answer = subprocess.run(command, cwd=house.ROOT, capture_output=True, text=True, check=False, timeout=120)
    if answer.returncode != 0:
        raise RuntimeError(f"swift package dump-package: {answer.stderr.strip()}")
    package: dict[str, Any] = json.loads(answer.stdout[answer.stdout.index("{") :])
    return package


def diagram_violations(package: dict[str, Any]) -> Iterator[Violation]:
    """Targets that the diagram does not know, and dependencies that it does not allow."""
    for target in package["targets"]:
        name, kind = target["name"], target["type"]
        if kind == "system":
            if name not in house.SYSTEM_LIBRARIES | {"CLinux"}:
                yield Violation("Package.swift", 1, f"system library {name} is not in the diagram")
        elif kind == "test":
            if not name.endswith("Tests") or name.removesuffix("Tests") not in house.MAY_IMPORT:
                yield Violation("Package.swift", 1, f"tests {name} belong to no target of the diagram")
        elif name not in house.MAY_IMPORT:
            yield Violation("Package.swift", 1, f"target {name} is not in the diagram (Tests/Style/house.py)")
        else:
            for dependency in sorted(_ours(target) - house.MAY_IMPORT[name]):
                yield Violation("Package.swift", 1, f"{name} must not depend on {dependency}")
        if kind != "system" and "swiftLanguageMode" in json.dumps(target.get("settings", [])):
            yield Violation("Package.swift", 1, f"{name} changes the language mode")
    if package.get("swiftLanguageVersions") != ["6"]:
        yield Violation("Package.swift", 1, "the package is in Swift 6 language mode")


def _ours(target: dict[str, Any]) -> set[str]:
    names = {entry["byName"][0] for entry in target["dependencies"] if "byName" in entry}
    return names | {entry["target"][0] for entry in target["dependencies"] if "target" in entry}
