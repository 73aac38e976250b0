import AdminDocuments
import DaemonConfiguration
import DatasetModel
import Foundation
import LinuxSystem
import Logging
import StreamRegistry
import Synchronization
import Transfer
import WireProtocol

/// Answers administrators: status, why, cache, reload, evict, pin, prefetch. Documents are JSON.
final class AdminService: Sendable {
  let configurationFile: String
  let registry: StreamRegistry
  let datasets: DatasetCatalog
  let streams: StreamCatalog
  let sessions: SessionDirectory
  let shards: ShardService
  let health: HealthService
  let access: AccessRules
  let errors: RecentErrors
  let clock: DaemonClock
  let fetchers: FetcherPool
  let metrics: DaemonMetrics
  let notifier: ServiceNotifier?
  let logger: Logger
  /// One reload after another.
  private let reloading = Mutex(())
  private let followers = Mutex<[@Sendable (Configuration) -> Void]>([])

  init(
    configurationFile: String, registry: StreamRegistry, datasets: DatasetCatalog, streams: StreamCatalog,
    sessions: SessionDirectory, shards: ShardService, health: HealthService, access: AccessRules, errors: RecentErrors,
    clock: DaemonClock, fetchers: FetcherPool, metrics: DaemonMetrics, notifier: ServiceNotifier?, logger: Logger
  ) {
    self.configurationFile = configurationFile
    self.registry = registry
    self.datasets = datasets
    self.streams = streams
    self.sessions = sessions
    self.shards = shards
    self.health = health
    self.access = access
    self.errors = errors
    self.clock = clock
    self.fetchers = fetchers
    self.metrics = metrics
    self.notifier = notifier
    self.logger = logger
  }

  /// Answers an admin request; `progress` sends what comes before the answer.
  func answer(_ request: AdminRequest, progress: (String) throws -> Void) throws -> String {
    switch request.verb {
    case "cache": return try Self.encode(shards.cacheStatus())
    case "reload": return try Self.encode(reload())
    case "evict", "pin", "unpin":
      let argument = try Self.decode(ShardArgument.self, request)
      return try Self.encode(try shards.change(request.verb, argument, streams: streams))
    case "prefetch":
      let argument = try Self.decode(PrefetchArgument.self, request)
      let dataset = try waitForTask { [datasets] in
        try await datasets.dataset(named: DatasetName(argument.dataset))
      }
      return try Self.encode(try shards.warm(dataset) { try progress(try Self.encode($0)) })
    default:
      throw ServerError(
        .badSpecification,
        "no admin request is called \"\(request.verb)\"; there are cache, evict, pin, prefetch, reload and unpin")
    }
  }

  /// Has `follow` take up every configuration that a reload puts in force.
  func whenReloaded(_ follow: @escaping @Sendable (Configuration) -> Void) {
    followers.withLock { $0.append(follow) }
  }

  /// Reads the configuration again and puts it in force; a bad file changes nothing.
  func reload() -> ReloadDocument { reloading.withLock { _ in readAgain() } }

  private func readAgain() -> ReloadDocument {
    tellManager { try $0.reloading() }
    defer { tellManager { try $0.ready(status: "serving \(self.datasets.current.datasets.count) datasets") } }
    let old = datasets.current
    do {
      let new = try Configuration.load(path: configurationFile, registry: registry)
      let difference = ConfigurationDifference(from: old, to: new)
      try access.replace(with: new.access)
      for name in difference.streams.changed + difference.streams.removed {
        if let stream = old.stream(name) { streams.forget(stream) }
      }
      datasets.replace(with: new)
      for follow in followers.withLock({ $0 }) { follow(new) }
      shards.applyKeptLimits()
      let lines = Self.lines(difference)
      logger.notice(
        "configuration reloaded",
        metadata: ["file": "\(configurationFile)", "changes": "\(lines.joined(separator: "; "))"])
      let streams = streams
      let shards = shards
      let health = health
      Task {
        await shards.applyLimits()
        await shards.checkDisk(health)
        await streams.preload(new.streams)
      }
      return ReloadDocument(applied: true, changes: lines, problems: [])
    } catch {
      logger.error(
        "configuration is kept as it was", metadata: ["file": "\(configurationFile)", "error": "\(error)"])
      errors.note("reload: \(error)")
      return ReloadDocument(applied: false, changes: [], problems: "\(error)".split(separator: "\n").map(String.init))
    }
  }

  private func tellManager(_ tell: (ServiceNotifier) throws -> Void) {
    guard let notifier else { return }
    do { try tell(notifier) } catch {
      logger.warning("the service manager could not be told", metadata: ["error": "\(error)"])
    }
  }

  private static func lines(_ difference: ConfigurationDifference) -> [String] {
    func names<Name>(_ what: String, _ names: [Name]) -> [String] {
      names.isEmpty ? [] : ["\(what): \(names.map { "\($0)" }.joined(separator: ", "))"]
    }
    return names("streams added", difference.streams.added) + names("streams changed", difference.streams.changed)
      + names("streams removed", difference.streams.removed) + names("datasets added", difference.datasets.added)
      + names("datasets changed", difference.datasets.changed)
      + names("datasets removed", difference.datasets.removed) + names("applied", difference.applied)
      + names("applied to new connections", difference.appliedToNewConnections)
      + names("in force after a restart", difference.needsRestart)
  }

  static func encode(_ document: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(document), as: UTF8.self)
  }

  private static func decode<Argument: Decodable>(_ type: Argument.Type, _ request: AdminRequest) throws -> Argument {
    do {
      return try JSONDecoder().decode(type, from: Data(request.argument.utf8))
    } catch {
      throw ServerError(.badSpecification, "the argument of \(request.verb) is not as it must be: \(error)")
    }
  }
}
