"""The house's rules on Swift sources: each takes a path and a file's text and yields what is wrong, line by line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from Style import house
from Style.swift_source import SwiftSource, functions, read


@dataclass(frozen=True)
class Violation:
    """One thing to mend, as `path:line: what`."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def target_of(path: str) -> str:
    """The target of a path under Sources or Tests: its second part."""
    return path.split("/")[1] if path.count("/") >= 2 else ""


def swift_violations(path: str, text: str) -> list[Violation]:
    """Everything the rules find in one Swift file."""
    source = read(text)
    rules = (lengths, banned, unexplained, unchecked, leftovers, imports, names)
    return [violation for rule in rules for violation in rule(path, source)]


def lengths(path: str, source: SwiftSource) -> Iterator[Violation]:
    """Limit files to 300 lines and functions to 60."""
    lines = len(source.code.removesuffix("\n").split("\n"))
    if lines > house.SWIFT_FILE_LINES:
        yield Violation(path, lines, f"{lines} lines: a file has at most {house.SWIFT_FILE_LINES}")
    for function in functions(source):
        if function.lines > house.FUNCTION_LINES:
            what = f"{function.name} has {function.lines} lines: a function has at most {house.FUNCTION_LINES}"
            yield Violation(path, function.first_line, what)


_UNWRAP = (
    r"(?<=[\w)\]>\"}])!(?![=\w(])"  # name!, list[3]!, String! before a blank, a bracket or the line's end
    r"|(?<=[\w)\]>\"}])!(?=\.)"  # name!.count
    r"|(?<=[)\]])!(?=[\w(\[])"  # first()![2]
)
BANNED = {
    r"\btry!": "try!: handle the error or let it pass on",
    r"\bas!": "as!: cast with as? and handle the other case",
    _UNWRAP: "force unwrap: use guard let, or #require in a test",
    r"\bfatalError\s*\(": "fatalError: precondition is for our own bugs, errors are for the world's",
    r"(?<![.\w])(usleep|nanosleep|sleep)\s*\(|\bThread\s*\.\s*sleep\b": "sleep: it holds a thread; wait for the event",
}


def banned(path: str, source: SwiftSource) -> Iterator[Violation]:
    """Constructs that are nowhere allowed."""
    for number, line in enumerate(source.code_lines, 1):
        for pattern, what in BANNED.items():
            if re.search(pattern, line):
                yield Violation(path, number, what)


SILENT = r"\btry\?"
TIMED = r"\.\s*sleep\s*\("


def unexplained(path: str, source: SwiftSource) -> Iterator[Violation]:
    """Constructs that need a comment on their line or just above.

    In sources an error that is passed over (a test may clean up as it likes); in tests a wait for time to pass (in
    sources back-offs and deadlines are made of it).
    """
    tests = path.startswith("Tests/")
    pattern, what = (
        (TIMED, "a timed wait: say in a comment why nothing can be waited for instead")
        if tests
        else (SILENT, "a silent try?: say in a comment why the error does not matter")
    )
    for number, line in enumerate(source.code_lines, 1):
        if re.search(pattern, line) and not source.has_comment_at(number):
            yield Violation(path, number, what)


def unchecked(path: str, source: SwiftSource) -> Iterator[Violation]:
    """Escapes from checked concurrency: only behind the safe faces, and always with their reason."""
    for number, line in enumerate(source.code_lines, 1):
        found = re.search(r"@unchecked\s+Sendable|\bnonisolated\s*\(\s*unsafe\s*\)", line)
        if not found:
            continue
        allowed = path in house.UNCHECKED_FILES or path.startswith(tuple(house.UNCHECKED))
        if path.startswith("Sources/") and not allowed:
            yield Violation(path, number, f"{found.group()} belongs to LinuxSystem and Codecs")
        if not source.has_comment_at(number):
            yield Violation(path, number, f"{found.group()}: say in a comment why it is sound")


def leftovers(path: str, source: SwiftSource) -> Iterator[Violation]:
    """Notes of unfinished work."""
    for number, line in enumerate(source.comment_lines, 1):
        found = re.search(r"\b(TODO|FIXME|XXX|HACK)\b", line)
        if found:
            yield Violation(path, number, f"{found.group()}: finish it, or file it")


_IMPORT = re.compile(
    r"^\s*(?:@\w+(?:\([^)]*\))?\s+)*(?:(?:public|package|internal|private|fileprivate)\s+)?import\s+"
    r"(?:(?:struct|class|enum|protocol|func|var|let|typealias)\s+)?(\w+)"
)


def imports(path: str, source: SwiftSource) -> Iterator[Violation]:
    """Who may import the C library, Foundation, and which of the house's targets."""
    target, tests = target_of(path), path.startswith("Tests/")
    subject = target.removesuffix("Tests") if tests else target
    for number, line in enumerate(source.code_lines, 1):
        match = _IMPORT.match(line)
        if not match:
            continue
        module = match.group(1)
        explained = tests and source.has_comment_at(number)
        if module in {"Glibc", "Musl", "Darwin", "CoreFoundation"} and subject not in house.GLIBC and not explained:
            yield Violation(path, number, f"import {module}: only LinuxSystem does; a test says why it must")
        if module.startswith("Foundation") and not tests and target not in house.FOUNDATION:
            yield Violation(path, number, f"{target} does without {module}")
        allowed = house.MAY_IMPORT.get(target)
        if allowed is None or tests or module not in house.MAY_IMPORT or module == target:
            continue
        if module not in allowed:
            yield Violation(path, number, f"{target} must not import {module}: imports point down, siblings apart")


_TYPE = re.compile(
    r"\b(?:struct|class|enum|actor|protocol|typealias)\s+(\w*(?:Manager|Helper|Helpers|Util|Utils|Utilities)\w*)\b"
)
_FILE = re.compile(r"(Manager|Helpers?|Utils?|Utilities)(\+\w+)?\.\w+$", re.IGNORECASE)


def names(path: str, source: SwiftSource) -> Iterator[Violation]:
    """Names that say nothing."""
    if found := _FILE.search(path):
        yield Violation(path, 1, f"a file named {found.group(1)} holds anything: name what it does")
    for number, line in enumerate(source.code_lines, 1):
        if named := _TYPE.search(line):
            yield Violation(path, number, f"{named.group(1)}: name what it does")
