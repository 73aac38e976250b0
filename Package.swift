// swift-tools-version: 6.2
// The house, as DESIGN states it: imports point down only, siblings do not import each other.
import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// A library of the house: one responsibility, the dependencies it may import and no others.
func library(_ name: String, _ dependencies: [Target.Dependency] = [], exclude: [String] = []) -> Target {
  .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

/// The tests of one target, mirroring its sources; fixtures are reached by path, not copied into a bundle.
func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests", dependencies: [.byName(name: name)] + dependencies, exclude: [], swiftSettings: strict)
}

/// A C library of the system's behind a module map; Debian's development package provides it.
func system(_ name: String, _ pkgConfig: String?, _ package: String) -> Target {
  .systemLibrary(
    name: name, path: "Sources/SystemLibraries/\(name)", pkgConfig: pkgConfig, providers: [.apt([package])])
}

let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let lifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let unixSignals: Target.Dependency = .product(name: "UnixSignals", package: "swift-service-lifecycle")
let flyingFox: Target.Dependency = .product(name: "FlyingFox", package: "FlyingFox")
let flyingSocks: Target.Dependency = .product(name: "FlyingSocks", package: "FlyingFox")
let systemPackage: Target.Dependency = .product(name: "SystemPackage", package: "swift-system")
let deques: Target.Dependency = .product(name: "DequeModule", package: "swift-collections")
let heaps: Target.Dependency = .product(name: "HeapModule", package: "swift-collections")
let orderedCollections: Target.Dependency = .product(name: "OrderedCollections", package: "swift-collections")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

let package = Package(
  name: "sluice",
  products: [
    .executable(name: "sluiced", targets: ["sluiced"]),
    .executable(name: "sluice", targets: ["sluice"]),
    .library(name: "SluiceDaemon", targets: ["SluiceDaemon", "StreamRegistry", "DatasetModel"]),
    // What a kind of one's own is held against: see StreamSourceConformance.
    .library(name: "SluiceStreamTesting", targets: ["StreamSourceConformance", "StreamRegistry", "DatasetModel"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/apple/swift-system", from: "1.8.1"),
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swhitty/FlyingFox", from: "0.27.1"),
  ],
  targets: [
    // The system's C libraries.
    system("CLinux", nil, "libc6-dev"),
    system("CZstd", "libzstd", "libzstd-dev"),
    system("CCrypto", "libcrypto", "libssl-dev"),
    system("CBrotli", "libbrotlidec", "libbrotli-dev"),
    system("CZlib", "zlib", "zlib1g-dev"),
    system("CBZip2", nil, "libbz2-dev"),
    system("CSnappy", "snappy", "libsnappy-dev"),
    system("CXXHash", "libxxhash", "libxxhash-dev"),

    // The ground floor.
    .target(name: "CExecGuard"),
    library("DatasetModel"),
    library("LinuxSystem", ["CLinux", "CExecGuard", systemPackage]),
    library("Codecs", ["CZstd", "CCrypto", "CBrotli", "CZlib", "CBZip2", "CSnappy", "CXXHash"]),

    // Siblings: none imports another.
    library("Planning", ["DatasetModel"]),
    library("StreamRegistry", ["DatasetModel", "LinuxSystem"]),
    library("ShardCache", ["DatasetModel", "LinuxSystem", "Codecs", heaps, systemPackage]),
    library("Transfer", ["DatasetModel", "LinuxSystem", "Codecs", deques]),
    library("WireProtocol", ["DatasetModel"], exclude: ["PROTOCOL.md"]),
    library("ShardFormats", ["DatasetModel", "Codecs"]),
    library("LocalSocket", ["LinuxSystem", systemPackage]),

    // What writes streams, and what checks them.
    library("ShardWriter", ["DatasetModel", "LinuxSystem", "Codecs", "ShardFormats", systemPackage]),

    library(
      "ShardVerifier",
      [
        "DatasetModel", "LinuxSystem", "Codecs", "ShardFormats", "StreamRegistry", "Transfer", "BuiltInStreams",
        systemPackage,
      ]),

    // The built-in stream kinds, above the two siblings they need.
    library(
      "BuiltInStreams", ["DatasetModel", "LinuxSystem", "Codecs", "StreamRegistry", "Transfer", systemPackage]),

    // Kinds in any language, and out of nothing; and what every kind is held against.
    library("ExecStreams", ["DatasetModel", "LinuxSystem", "StreamRegistry", systemPackage]),
    library("SyntheticStreams", ["DatasetModel", "LinuxSystem", "StreamRegistry", systemPackage]),
    library(
      "StreamSourceConformance",
      ["DatasetModel", "LinuxSystem", "StreamRegistry", "ShardFormats", "Codecs", systemPackage]),
    // What logs and status are made of.
    library("LogOutput", ["LinuxSystem", logging]),
    library("AdminDocuments"),

    library("DaemonClient", ["LinuxSystem", "LocalSocket", "WireProtocol"]),

    // What wires them.
    library("DaemonConfiguration", ["DatasetModel", "LinuxSystem", "StreamRegistry", systemPackage, yams]),
    library(
      "Server",
      [
        "DatasetModel", "LinuxSystem", "Codecs", "Planning", "StreamRegistry", "ShardCache", "Transfer", "ShardFormats",
        "WireProtocol", "LocalSocket", "DaemonConfiguration", "BuiltInStreams", "AdminDocuments", "DaemonClient",
        logging, lifecycle, unixSignals, systemPackage, flyingFox, flyingSocks,
      ]),
    library(
      "SluiceDaemon",
      [
        "Server", "DaemonConfiguration", "DatasetModel", "LinuxSystem", "LogOutput", "BuiltInStreams", "ExecStreams",
        "SyntheticStreams", "StreamRegistry", "Transfer", argumentParser, logging,
      ]),
    .executableTarget(name: "sluiced", dependencies: ["SluiceDaemon"], swiftSettings: strict),
    .executableTarget(
      name: "sluice",
      dependencies: [
        "DatasetModel", "LinuxSystem", "LocalSocket", "WireProtocol", "Planning", "DaemonConfiguration", "ShardFormats",
        "Codecs", "AdminDocuments", "DaemonClient", "StreamRegistry", "BuiltInStreams", "Transfer", "ShardWriter",
        "ShardVerifier", "ExecStreams", "SyntheticStreams", argumentParser, systemPackage,
      ],
      swiftSettings: strict),

    tests("DatasetModel"),
    tests("LogOutput", ["LinuxSystem", logging]),
    tests("Planning", ["DatasetModel", "Codecs"]),
    tests("Codecs"),
    tests("LinuxSystem", [systemPackage]),
    tests("StreamRegistry", ["DatasetModel", "LinuxSystem"]),
    tests("ShardCache", ["DatasetModel", "LinuxSystem", "Codecs", systemPackage]),
    .target(
      name: "FaultServer", dependencies: ["LinuxSystem", "Codecs"], path: "Tests/FaultServer",
      exclude: [
        "connections.py", "fault_server.py", "s3_server.py", "object_store.py", "gs_server.py", "azure_server.py",
        "hub_server.py",
      ], swiftSettings: strict),
    tests("Transfer", ["DatasetModel", "LinuxSystem", "Codecs", "FaultServer", "TransferBench"]),
    .executableTarget(
      name: "TransferBench", dependencies: ["LinuxSystem", "Transfer"],
      path: "Tests/TransferBench", swiftSettings: strict),
    tests(
      "BuiltInStreams",
      [
        "DatasetModel", "LinuxSystem", "Codecs", "StreamRegistry", "Transfer", "FaultServer", "StreamSourceConformance",
      ]),
    tests("ExecStreams", ["DatasetModel", "LinuxSystem", "StreamRegistry", "CExecGuard", systemPackage]),
    tests("SyntheticStreams", ["DatasetModel", "LinuxSystem", "StreamRegistry", "ShardFormats"]),
    tests(
      "StreamSourceConformance",
      [
        "DatasetModel", "LinuxSystem", "StreamRegistry", "ShardFormats", "BuiltInStreams", "ExecStreams",
        "SyntheticStreams", "DaemonConfiguration", "Transfer", systemPackage,
      ]),
    tests("ShardFormats", ["DatasetModel", "Codecs"]),
    tests(
      "ShardVerifier",
      [
        "DatasetModel", "LinuxSystem", "Codecs", "ShardFormats", "ShardWriter", "StreamRegistry", "Transfer",
        "BuiltInStreams",
      ]),
    tests("ShardWriter", ["DatasetModel", "Codecs", "ShardFormats"]),
    .executableTarget(
      name: "FormatsBenchmark", dependencies: ["DatasetModel", "LinuxSystem", "Codecs", "ShardFormats", systemPackage],
      path: "Tests/Benchmarks/FormatsBenchmark", swiftSettings: strict),
    tests("WireProtocol", ["DatasetModel", systemPackage]),
    tests("LocalSocket", ["LinuxSystem", "WireProtocol"]),
    tests("DaemonConfiguration", ["DatasetModel", "LinuxSystem", "StreamRegistry", systemPackage]),
    tests(
      "Server",
      [
        "AdminDocuments", "DatasetModel", "LinuxSystem", "Planning", "ShardCache", "WireProtocol", "LocalSocket",
        "DaemonConfiguration", "StreamRegistry", "BuiltInStreams", "ShardFormats", logging,
      ]),
  ],
  swiftLanguageModes: [.v6]
)
