// swift-tools-version: 6.2
// A daemon with a stream kind of its own: what a user's package looks like. `path` would be Sluice's URL and version.
import PackageDescription

let package = Package(
  name: "my-sluiced",
  dependencies: [.package(name: "sluice", path: "../..")],
  targets: [
    .executableTarget(name: "my-sluiced", dependencies: [.product(name: "SluiceDaemon", package: "sluice")]),
    .testTarget(
      name: "my-sluiced-tests",
      dependencies: ["my-sluiced", .product(name: "SluiceStreamTesting", package: "sluice")],
      path: "Tests"),
  ],
  swiftLanguageModes: [.v6]
)
