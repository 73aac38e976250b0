import Foundation
import LinuxSystem

@testable import Transfer

/// Pools whose fetchers are the package's TransferBench executable in its fetcher mode.
enum Fetchers {
  /// Beside the test bundle.
  static let executable: String? = {
    let directory = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent()
    let beside = [
      directory.path, Bundle.main.bundlePath,
      URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent().path,
      Bundle.allBundles.first { $0.bundlePath.hasSuffix(".xctest") }?.bundleURL.deletingLastPathComponent().path ?? "",
    ]
    return beside.map { "\($0)/TransferBench" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }()

  static func pool(
    _ count: Int = 2, silenceSeconds: Double = 15, observer: @escaping @Sendable (FetcherEvent) -> Void = { _ in }
  ) throws -> FetcherPool {
    guard let executable else { throw CocoaError(.fileNoSuchFile) }
    var configuration = FetcherPool.Configuration(fetchers: count)
    configuration.silenceSeconds = silenceSeconds
    return FetcherPool(
      configuration: configuration, command: FetcherCommand(executable: executable, arguments: ["--fetcher"]),
      observer: observer)
  }
}
