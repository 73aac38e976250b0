import BuiltInStreams
import DaemonConfiguration
import DatasetModel
import LinuxSystem
import Logging
import StreamRegistry

/// Loads every stream's index once, without a cache, to see whether a configuration would work.
public enum StreamProbe {
  /// What was found of one stream.
  public struct Finding: Sendable {
    public let stream: String
    public let isGood: Bool
    public let text: String
  }

  /// The findings, in the configuration's order.
  public static func probe(_ configuration: Configuration, registry: StreamRegistry) async -> [Finding] {
    let logger = Logger(label: "probe") { _ in SwiftLogNoOpLogHandler() }
    let loader = ManifestLoader(
      store: nil, executor: QueueExecutor(label: "manifests"), fetch: RetryingFetch(), transfer: { configuration.transfer })
    let catalog = StreamCatalog(registry: registry, loader: loader, health: HealthService(), logger: logger)
    await catalog.preload(configuration.streams)
    return configuration.streams.map { stream in
      switch catalog.standing(stream.name) {
      case .ready(let loaded):
        Finding(
          stream: stream.name.rawValue, isGood: true,
          text: "\(loaded.manifest.shards.count) shards, \(loaded.manifest.samples) samples")
      case .failed(let error): Finding(stream: stream.name.rawValue, isGood: false, text: error)
      case .loading, nil: Finding(stream: stream.name.rawValue, isGood: false, text: "was not loaded")
      }
    }
  }
}
