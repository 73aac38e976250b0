import DatasetModel
import StreamRegistry

/// Everything a daemon is told by its file, checked: streams and datasets, and how to hold, fetch and serve them.
public struct Configuration: Sendable, Hashable {
  /// The socket that trainers connect to.
  public var socket = SocketConfiguration()
  /// Where shards are kept.
  public var cache = CacheConfiguration()
  /// Registered streams, in the order of the file.
  public var streams: [StreamConfiguration] = []
  /// Registered datasets, in the order of the file.
  public var datasets: [DatasetConfiguration] = []
  /// How shards are fetched.
  public var transfer = TransferConfiguration()
  /// Who may connect, and who may administer.
  public var access = AccessConfiguration()
  /// Which datasets clients may bring along.
  public var inlineDatasets = InlineDatasetRules()
  /// Bounds on what clients may ask for.
  public var limits = LimitsConfiguration()
  /// Epoch plans kept on disk.
  public var plans = PlansConfiguration()
  /// Health and metrics over HTTP.
  public var http = HTTPConfiguration()
  /// What is logged, and how it is written.
  public var log = LogConfiguration()
  /// Seconds that requests under way may take to finish after SIGTERM.
  public var drainSeconds = 30.0
  /// Seconds that a request waits for a shard before it is answered with an error that says what it waited for.
  public var waitSeconds = 600.0
  /// Seconds without a request after which a session's leases are given back; it keeps its place.
  public var idleSeconds = 600.0

  /// The defaults, without a stream. A file that says nothing means this, but for the cache's directory and limit,
  /// which a file must give.
  public init() {}

  /// The stream of that name.
  public func stream(_ name: StreamName) -> StreamConfiguration? { streams.first { $0.name == name } }

  /// The dataset of that name.
  public func dataset(_ name: DatasetName) -> DatasetConfiguration? { datasets.first { $0.name == name } }
}

extension Configuration {
  /// Reads a whole document; problems go to `reader`.
  static func read(_ reader: inout ConfigurationReader) -> Configuration {
    var configuration = Configuration()
    configuration.socket = SocketConfiguration.read(under: "socket", of: &reader)
    reader.require("cache", "where shards are kept and how much they may take (cache: {directory: …, limit: 100gb})")
    configuration.cache = reader.section("cache", CacheConfiguration.read) ?? configuration.cache
    configuration.streams = reader.named("streams") { name, stream in
      checkName(name, "stream", &stream)
      return StreamConfiguration.read(StreamName(name), from: &stream)
    }
    let known = configuration.streams.map(\.name)
    configuration.datasets = reader.named("datasets") { name, dataset in
      checkName(name, "dataset", &dataset)
      return DatasetConfiguration.read(DatasetName(name), streams: known, from: &dataset)
    }
    configuration.transfer = reader.section("transfer", TransferConfiguration.read) ?? configuration.transfer
    configuration.access = reader.section("access", AccessConfiguration.read) ?? configuration.access
    configuration.inlineDatasets = reader.section("inline_datasets", InlineDatasetRules.read) ?? .init()
    configuration.limits = reader.section("limits", LimitsConfiguration.read) ?? configuration.limits
    configuration.plans = reader.section("plans", PlansConfiguration.read) ?? configuration.plans
    configuration.http = reader.section("http", HTTPConfiguration.read) ?? configuration.http
    configuration.log = reader.section("log", LogConfiguration.read) ?? configuration.log
    configuration.drainSeconds = reader.seconds("drain_seconds", zero: true, default: configuration.drainSeconds)
    configuration.waitSeconds = reader.seconds("wait_seconds", default: configuration.waitSeconds)
    configuration.idleSeconds = reader.seconds("idle_seconds", default: configuration.idleSeconds)
    // A place for anchors (`x-defaults: &d {…}`), read by nobody.
    for key in reader.keys where key.hasPrefix("x-") { _ = reader.value(key) }
    configuration.checkDirectories(&reader)
    return configuration
  }

  private static func checkName(_ name: String, _ what: String, _ reader: inout ConfigurationReader) {
    let allowed = name.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
        || [0x2d, 0x2e, 0x5f].contains(byte)
    }
    if !allowed || name.isEmpty || name.utf8.count > 128 || name.hasPrefix(".") || name.hasPrefix("-") {
      reader.report(
        "", "cannot name a \(what); use up to 128 letters, digits, _, - and . (not . or - first)")
    }
  }

  /// Two streams may not read one local directory, and none may lie in the cache's, nor the cache in one of theirs.
  private func checkDirectories(_ reader: inout ConfigurationReader) {
    var owners: [String: StreamName] = [:]
    for stream in streams {
      guard let local = stream.local, local.hasPrefix("/") else { continue }
      let directory = DirectoryPath.normalised(stream.split.map { "\(local)/\($0)" } ?? local)
      if let owner = owners[directory] {
        let message = "stream \(owner) has the local directory \(directory) already; give each stream its own"
        reader.absorb([stream.problem("local", message)])
      } else {
        owners[directory] = stream.name
      }
      let root = DirectoryPath.normalised(cache.directory)
      if cache.directory.hasPrefix("/"), DirectoryPath.overlap(directory, root) {
        let message = "overlaps the cache's directory \(root), whose files the daemon removes; keep them apart"
        reader.absorb([stream.problem("local", message)])
      }
    }
  }
}

/// Absolute paths compared as text: links are not followed.
enum DirectoryPath {
  /// Without doubled or trailing slashes, `.` and `..`.
  static func normalised(_ path: String) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// Whether one of two normalised paths is the other, or lies in it.
  static func overlap(_ left: String, _ right: String) -> Bool {
    left == right || left.hasPrefix(right == "/" ? "/" : right + "/") || right.hasPrefix(left == "/" ? "/" : left + "/")
  }
}
