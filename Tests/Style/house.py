"""DESIGN's diagram as data: which target may import which, who may import the system, and what may be how long."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

SWIFT_FILE_LINES = 300
PYTHON_FILE_LINES = 320
SHELL_FILE_LINES = 320
FUNCTION_LINES = 60

SYSTEM_LIBRARIES = {"CZstd", "CCrypto", "CBrotli", "CZlib", "CBZip2", "CSnappy", "CXXHash"}
GROUND = {"DatasetModel", "LinuxSystem"}
SIBLINGS = {
    "Planning", "StreamRegistry", "ShardCache", "Transfer", "ShardFormats", "WireProtocol", "LocalSocket",
}  # fmt: skip

WIRED = (
    GROUND
    | SIBLINGS
    | {"AdminDocuments", "BuiltInStreams", "Codecs", "DaemonClient", "DaemonConfiguration", "LogOutput"}
    | {"ExecStreams", "SyntheticStreams"}
)

# What each target may import of ours. Imports point down, siblings import none of each other.
MAY_IMPORT: dict[str, set[str]] = {
    "DatasetModel": set(),
    "AdminDocuments": set(),
    # Our own C: what has to happen between a fork and an exec.
    "CExecGuard": set(),
    "LinuxSystem": {"CLinux", "CExecGuard"},
    "Codecs": SYSTEM_LIBRARIES,
    "Planning": {"DatasetModel"},
    "StreamRegistry": GROUND | {"Codecs"},
    "ShardCache": GROUND | {"Codecs"},
    "Transfer": GROUND | {"Codecs"},
    "ShardFormats": GROUND | {"Codecs"},
    "WireProtocol": GROUND,
    "LocalSocket": GROUND,
    "DaemonClient": GROUND | {"LocalSocket", "WireProtocol"},
    "LogOutput": GROUND,
    "BuiltInStreams": GROUND | {"Codecs", "StreamRegistry", "Transfer", "ShardFormats"},
    "ExecStreams": GROUND | {"StreamRegistry"},
    "SyntheticStreams": GROUND | {"StreamRegistry"},
    # What every stream kind is held against; a library for users' tests, too.
    "StreamSourceConformance": GROUND | {"Codecs", "StreamRegistry", "ShardFormats"},
    "DaemonConfiguration": GROUND | {"StreamRegistry"},
    "Server": WIRED,
    "SluiceDaemon": WIRED | {"Server"},
    "sluiced": {"SluiceDaemon"},
    "ShardWriter": GROUND | {"Codecs", "ShardFormats"},
    "ShardVerifier": GROUND | {"Codecs", "ShardFormats", "StreamRegistry", "Transfer", "BuiltInStreams"},
    "sluice": WIRED | {"ShardWriter", "ShardVerifier"},
    # Programs that tests and benchmarks start.
    "FaultServer": WIRED,
    "FormatsBenchmark": WIRED | {"ShardWriter"},
    "TransferBench": WIRED,
}

# Glibc belongs to LinuxSystem. Foundation is kept out of everything that plans, counts or speaks the protocol.
GLIBC = {"LinuxSystem"}
FOUNDATION = {"AdminDocuments", "BuiltInStreams", "DaemonConfiguration", "LogOutput", "Server", "Transfer"} | {
    "sluice",
    "sluiced",
}

# Where unchecked concurrency may be: behind a safe face, with a comment that says why it is sound.
UNCHECKED = {"Sources/LinuxSystem/", "Sources/Codecs/"}
# Single files elsewhere, each with the reason why it cannot be done otherwise.
UNCHECKED_FILES: dict[str, str] = {
    "Sources/Transfer/Session/InlineQueue.swift": "a subclass of OperationQueue inherits its unchecked conformance",
}

# Packages beside our own targets; each target names in Package.swift which of them it uses.
TOP_LEVEL = {"Package.swift", "README.md", "Sources", "Tests", "config", "scripts", "systemd"}
