"""The rules themselves: each known bad snippet is found, each innocent one is let be."""

from __future__ import annotations

from typing import Any

import pytest

from Style.diagram import diagram_violations
from Style.rules import swift_violations
from Style.swift_source import functions, read
from Style.text_rules import python_violations, shell_violations, text_violations

SERVER = "Sources/Server/Thing.swift"

BAD = {
    "try!": "let x = try! f()",
    "as!": "let x = y as! Int",
    "unwrap at the end": "let x = table[3]!",
    "unwrap and member": "let x = name!.count",
    "unwrap in a call": "f(name!, 2)",
    "unwrap of a call": "let x = first()!",
    "implicitly unwrapped": "var name: String!",
    "inside interpolation": 'log("value \\(name!)")',
    "fatalError": 'fatalError("no")',
    "sleep": "usleep(30)",
    "bare sleep": "sleep(1)",
    "thread sleep": "Thread.sleep(forTimeInterval: 1)",
    "silent": "let x = try? f()",
    "unchecked": "final class Box: @unchecked Sendable {}",
    "unsafe": "nonisolated(unsafe) var x = 1",
    "todo": "f()  // TODO later",
    "fixme in a block": "/* FIXME */ f()",
    "glibc": "import Glibc",
    "glibc function": "import func Glibc.read",
    "implementation only": "@preconcurrency import Glibc",
    "type name": "struct CacheManager {}",
    "type name in the middle": "enum PathUtils {}",
}

GOOD = {
    "negation of a call": "while try !reader.isAtEnd() { f() }",
    "negation": "if !ready && x != y { f(!z) }",
    "text": 'let x = "try! and fatalError() and name!"',
    "raw text": 'let x = #"a "quoted" name!"#',
    "long text": 'let x = """\n  try! f()\n  name!\n  """',
    "comment": "// never try! f(), name! or fatalError()",
    "nested comment": "/* a /* b! */ try! */ f()",
    "explained try?": "// A missing file is an empty one.\nlet x = try? f()",
    "explained on the line": "let x = try? f()  // a missing file is an empty one",
    "back-off": "try await Task.sleep(for: delay)",
    "file manager": "let manager = FileManager.default",
    "optional chaining": "let x = name?.count ?? 0",
    "not equal": "let x = a !== b",
    "xor": "precondition(a != b)",
    "foundation": "import Foundation",
}


@pytest.mark.parametrize("snippet", BAD.values(), ids=BAD)
def test_bad_swift_is_found(snippet: str) -> None:
    assert swift_violations(SERVER, f"struct S {{\n{snippet}\n}}\n" if "import" not in snippet else snippet)


@pytest.mark.parametrize("snippet", GOOD.values(), ids=GOOD)
def test_good_swift_is_let_be(snippet: str) -> None:
    assert not [str(violation) for violation in swift_violations(SERVER, snippet + "\n")]


@pytest.mark.parametrize(
    ("path", "module", "allowed"),
    [
        ("Sources/Planning/A.swift", "DatasetModel", True),
        ("Sources/Planning/A.swift", "ShardCache", False),
        ("Sources/ShardCache/A.swift", "Transfer", False),
        ("Sources/DatasetModel/A.swift", "Planning", False),
        ("Sources/Transfer/A.swift", "Server", False),
        ("Sources/Server/A.swift", "Transfer", True),
        ("Sources/sluice/A.swift", "Server", False),
        ("Sources/Planning/A.swift", "Foundation", False),
        ("Sources/WireProtocol/A.swift", "FoundationEssentials", False),
        ("Sources/Transfer/A.swift", "FoundationNetworking", True),
        ("Sources/LinuxSystem/A.swift", "Glibc", True),
        ("Sources/LocalSocket/A.swift", "Glibc", False),
        ("Tests/PlanningTests/A.swift", "Foundation", True),
        ("Tests/PlanningTests/A.swift", "Glibc", False),
        ("Tests/LinuxSystemTests/A.swift", "Glibc", True),
    ],
)
def test_imports(path: str, module: str, allowed: bool) -> None:
    assert (not swift_violations(path, f"import {module}\n")) is allowed


def test_tests_say_why_they_wait_for_time_and_may_clean_up_silently() -> None:
    path = "Tests/ServerTests/ThingTests.swift"
    assert swift_violations(path, "try await Task.sleep(for: .seconds(1))\n")
    assert not swift_violations(path, "// The daemon must do nothing for this long.\ntry await clock.sleep(1)\n")
    assert not swift_violations(path, "defer { try? remove(directory) }\n")


def test_unchecked_needs_its_reason_even_where_it_is_allowed() -> None:
    line = "struct Box: @unchecked Sendable {}\n"
    assert swift_violations("Sources/LinuxSystem/Box.swift", line)
    assert not swift_violations("Sources/LinuxSystem/Box.swift", "// Sound: only the owner writes.\n" + line)
    assert swift_violations(SERVER, "// Sound: only the owner writes.\n" + line)


def test_file_length() -> None:
    assert not swift_violations(SERVER, "let x = 1\n" * 300)
    assert swift_violations(SERVER, "let x = 1\n" * 301)
    assert not list(python_violations("a/b.py", "x = 1\n" * 320))
    assert list(python_violations("a/b.py", "x = 1\n" * 321))


@pytest.mark.parametrize("head", ["func f(a: Int = { 3 }()) -> [Int]", "init(x: Int)", "subscript(i: Int) -> Int",
                                  "var long: Int", "deinit", "static func == (a: S, b: S) -> Bool"])  # fmt: skip
def test_function_length(head: str) -> None:
    body = "    f()\n" * 58
    assert not swift_violations(SERVER, f"struct S {{\n  {head} {{\n{body}  }}\n}}\n")
    assert swift_violations(SERVER, f"struct S {{\n  {head} {{\n{body}    f()\n  }}\n}}\n")


def test_functions_are_told_from_requirements() -> None:
    text = "protocol P {\n  func f() async throws -> Int\n  var x: Int { get }\n  init()\n}\nfunc g() { self.init() }\n"
    assert [function.name for function in functions(read(text))] == ["x", "g"]


@pytest.mark.parametrize(
    "text",
    [
        "import time\ntime.sleep(1)\n",
        "from time import sleep\nsleep(1)\n",
        "class PathHelper: ...\n",
        "x = 1  # TODO\n",
        "def f() -> None:\n" + "    x = 1\n" * 60,
    ],
)
def test_bad_python_is_found(text: str) -> None:
    assert list(python_violations("scripts/thing.py", text))


def test_good_python_is_let_be() -> None:
    text = 'import time\n# The server limits us to this rate.\ntime.sleep(1)\nx = "TODO"\n'
    assert not list(python_violations("scripts/thing.py", text))
    assert list(python_violations("scripts/utils.py", ""))


@pytest.mark.parametrize(
    "text",
    [
        "cd /" + "work/main",
        'open("/' + 'root/.x")',
        "path: /home/me/x",
        "see https://py" + "pi.org/x",
        "/opt/swift/usr/bin",
    ],
)
def test_machine_paths_and_hosts_are_found(text: str) -> None:
    assert list(text_violations("README.md", text))


@pytest.mark.parametrize("text", ["$root/work/x", "Sources/home/x", "/var/cache/sluice", "network/home/x", "a/root/b"])
def test_other_paths_are_let_be(text: str) -> None:
    assert not list(text_violations("README.md", text))


def test_scripts_stop_at_failures() -> None:
    assert list(shell_violations("scripts/x", "#!/bin/bash\ntrue\n"))
    assert not list(shell_violations("scripts/x", "#!/bin/bash\nset -euo pipefail\n"))


def package(**dependencies: list[str]) -> dict[str, Any]:
    targets = [
        {"name": name, "type": "regular", "dependencies": [{"byName": [needed, None]} for needed in needs]}
        for name, needs in dependencies.items()
    ]
    return {"targets": targets, "swiftLanguageVersions": ["6"]}


def test_diagram() -> None:
    assert not list(diagram_violations(package(Planning=["DatasetModel"], Server=["Planning", "Transfer"])))
    assert list(diagram_violations(package(Planning=["ShardCache"])))
    assert list(diagram_violations(package(Unheard=[])))
    assert list(diagram_violations({"targets": [], "swiftLanguageVersions": ["5"]}))
