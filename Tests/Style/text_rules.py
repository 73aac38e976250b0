"""The house's rules on Python and on every text file: lengths, waiting, machine paths, hosts, names."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from Style import house
from Style.rules import Violation

_MACHINE = re.compile(r"(?<![\w./$}~-])/(?:work|root|home)/[\w.]|(?<![\w.])/opt/(?:swift|wheels)\b|(?<![\w.])/Users/\w")
# In pieces, so that this file does not name what it looks for.
_HOSTS = re.compile(
    "|".join([r"\bpy" + r"pi\.org\b", r"\bpythonhost" + r"ed\.org\b", r"\b(?:deb|ftp|security)\.deb" + r"ian\.org\b"])
)
_NAMES = re.compile(r"(Manager|Helpers?|Utils?|Utilities)$", re.IGNORECASE)


def text_violations(path: str, text: str) -> Iterator[Violation]:
    """What no committed text may hold: this machine's paths, a registry's host."""
    for number, line in enumerate(text.split("\n"), 1):
        if found := _MACHINE.search(line):
            yield Violation(path, number, f"a path of one machine: {found.group()}…")
        if host := _HOSTS.search(line):
            yield Violation(path, number, f"a registry's host: {host.group()}")


def shell_violations(path: str, text: str) -> Iterator[Violation]:
    """Limit scripts, and have them stop at the first failure."""
    lines = len(text.removesuffix("\n").split("\n"))
    if lines > house.SHELL_FILE_LINES:
        yield Violation(path, lines, f"{lines} lines: a script has at most {house.SHELL_FILE_LINES}")
    if text.startswith("#!") and "set -euo pipefail" not in text:
        yield Violation(path, 1, "a script says set -euo pipefail")


def python_violations(path: str, text: str) -> Iterator[Violation]:
    """Limit Python files to 320 lines and functions to 60; refuse unexplained waits and empty names."""
    lines = text.removesuffix("\n").split("\n")
    if len(lines) > house.PYTHON_FILE_LINES:
        yield Violation(path, len(lines), f"{len(lines)} lines: a file has at most {house.PYTHON_FILE_LINES}")
    stem = path.rsplit("/", 1)[-1].removesuffix(".py")
    if _NAMES.search(stem):
        yield Violation(path, 1, f"a file named {stem} holds anything: name what it does")
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _definition(path, node)
        elif isinstance(node, ast.Call) and _is_sleep(node) and not _has_comment(lines, node.lineno):
            yield Violation(path, node.lineno, "a timed wait: say in a comment why nothing can be waited for instead")
    for number, line in enumerate(lines, 1):
        if found := re.search(r"#.*\b(TODO|FIXME|XXX|HACK)\b", line):
            yield Violation(path, number, f"{found.group(1)}: finish it, or file it")


def _definition(path: str, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Iterator[Violation]:
    if _NAMES.search(node.name) and isinstance(node, ast.ClassDef):
        yield Violation(path, node.lineno, f"{node.name}: name what it does")
    length = (node.end_lineno or node.lineno) - node.lineno + 1
    if not isinstance(node, ast.ClassDef) and length > house.FUNCTION_LINES:
        what = f"{node.name} has {length} lines: a function has at most {house.FUNCTION_LINES}"
        yield Violation(path, node.lineno, what)


def _is_sleep(node: ast.Call) -> bool:
    function = node.func
    return (isinstance(function, ast.Attribute) and function.attr == "sleep") or (
        isinstance(function, ast.Name) and function.id == "sleep"
    )


def _has_comment(lines: list[str], number: int) -> bool:
    above = lines[number - 2].strip() if number > 1 else ""
    return "#" in lines[number - 1] or above.startswith("#")
