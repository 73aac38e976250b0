import BuiltInStreams
import DaemonConfiguration
import DatasetModel
import ExecStreams
import LinuxSystem
import StreamRegistry
import SyntheticStreams
import Transfer

/// The streams of a daemon's configuration, reached as the daemon reaches them but without one and without its cache.
struct ConfiguredStreams {
  let configuration: Configuration
  /// The configuration's file.
  let path: String
  private let registry: StreamRegistry

  /// Why a stream cannot be had from the configuration alone.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Reads the configuration. Downloads go through fetcher processes, which are this executable in its other mode.
  init(path: String) throws {
    self.path = path
    configuration = try Configuration.load(path: path)
    var registry = StreamRegistry()
    let fetchers = FetcherPool(configuration: .init(fetchers: configuration.transfer.fetchers ?? 0))
    try BuiltInKinds.register(in: &registry, transport: fetchers)
    try SyntheticStream.register(in: &registry)
    try ExecStream.register(in: &registry) { stream, line in StandardError.write(line: "\(stream): \(line)") }
    self.registry = registry
  }

  /// The configuration of a stream.
  func stream(_ name: StreamName) throws -> StreamConfiguration {
    if let stream = configuration.stream(name) { return stream }
    let known = configuration.streams.map(\.name.rawValue)
    throw Failure(
      description: "\(path) has no stream \"\(name)\""
        + (known.isEmpty ? "; it names none" : "; known: \(known.joined(separator: ", "))")
        + NearestName.hint(name.rawValue, among: known))
  }

  /// Where a stream's index and shards come from.
  func source(of stream: StreamConfiguration) throws -> any StreamSource {
    do throws(ConfigurationProblems) {
      return try registry.source(for: stream)
    } catch { throw ConfigurationError(file: path, error.problems) }
  }

  /// How often files of a stream are tried, and after how long.
  func policy(of stream: StreamConfiguration) -> RetryPolicy {
    var policy = RetryPolicy(attempts: stream.downloadRetry)
    policy.firstDelay = configuration.transfer.retrySeconds
    policy.longestDelay = configuration.transfer.retryMaximumSeconds
    return policy
  }

  /// The bounds on one attempt.
  func limits(of stream: StreamConfiguration) -> FetchLimits {
    var limits = FetchLimits()
    limits.idleSeconds = stream.downloadTimeout
    limits.minimumBytesPerSecond = Double(configuration.transfer.minimumRate)
    limits.deadlineSeconds = configuration.transfer.deadlineSeconds
    return limits
  }
}
