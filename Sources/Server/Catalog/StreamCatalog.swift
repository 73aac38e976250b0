import DatasetModel
import Logging
import StreamRegistry
import Synchronization
import WireProtocol

/// The registered streams, each index loaded once a node however many datasets, sessions and requests want it.
final class StreamCatalog: Sendable {
  /// How a stream stands, for status and health.
  enum Standing: Sendable {
    case loading
    case ready(LoadedStream)
    case failed(String)
  }

  private let registry: StreamRegistry
  private let loader: ManifestLoader
  private let health: HealthService
  private let logger: Logger
  private let results = SharedResults<StreamConfiguration, LoadedStream>(limit: 10_000)
  private let standings = Mutex<[StreamName: Standing]>([:])
  private let nextNumber = Mutex(1)
  private let watches = StreamWatches()

  init(registry: StreamRegistry, loader: ManifestLoader, health: HealthService, logger: Logger) {
    self.registry = registry
    self.loader = loader
    self.health = health
    self.logger = logger
  }

  /// The stream with its manifest; loads it if it is not, and tries again if it could not be loaded before.
  func stream(_ configuration: StreamConfiguration) async throws -> LoadedStream {
    let name = configuration.name
    standings.withLock { standings in
      if case .ready = standings[name] { return }
      standings[name] = .loading
    }
    do {
      let stream = try await results.value(for: configuration) { [self] in try await load(configuration) }
      standings.withLock { $0[name] = .ready(stream) }
      health.trouble(
        "stream \(name)",
        stream.staleBecause.map { "stream \(name): its remote is down, the kept index serves (\($0))" })
      return stream
    } catch {
      standings.withLock { $0[name] = .failed("\(error)") }
      health.trouble("stream \(name)", "\(error)")
      throw error
    }
  }

  /// Loads all of `configurations` side by side; failures are logged and kept for status, and do not stop the others.
  func preload(_ configurations: [StreamConfiguration]) async {
    await withTaskGroup(of: Void.self) { group in
      for configuration in configurations {
        group.addTask { [self] in
          do {
            _ = try await stream(configuration)
          } catch {
            logger.error(
              "stream could not be loaded",
              metadata: [
                "stream": "\(configuration.name)", "location": "\(configuration.location)", "error": "\(error)",
              ])
          }
        }
      }
    }
  }

  /// Tries the streams again that failed, or whose kept index serves in the remote's place.
  func retry(_ configurations: [StreamConfiguration]) async {
    let due = configurations.filter { configuration in
      switch standing(configuration.name) {
      case .failed: return true
      case .ready(let stream):
        if stream.staleBecause == nil { return false }
        results.forget(configuration)
        return true
      case .loading, nil: return false
      }
    }
    await preload(due)
    for configuration in configurations where health.hasTrouble(RemoteWatch.name(configuration.name)) {
      if await answers(configuration) { health.trouble(RemoteWatch.name(configuration.name), nil) }
    }
  }

  /// Whether a stream's remote gives its index now. Nothing is made of the index.
  private func answers(_ configuration: StreamConfiguration) async -> Bool {
    do {
      _ = try await registry.source(for: configuration).manifest()
      return true
    } catch {
      logger.debug("remote does not answer", metadata: ["stream": "\(configuration.name)", "error": "\(error)"])
      return false
    }
  }

  /// Forgets what is known of a stream, so that the next use loads its index anew; sessions keep what they opened.
  func forget(_ configuration: StreamConfiguration) {
    watches.end(configuration.name)
    results.forget(configuration)
    standings.withLock { $0[configuration.name] = nil }
    health.trouble("stream \(configuration.name)", nil)
    health.trouble(RemoteWatch.name(configuration.name), nil)
  }

  /// The source says that the stream is not what it was. Until the new index is there, the old one serves.
  private func changed(_ configuration: StreamConfiguration) async {
    logger.notice("stream has changed, its index is loaded anew", metadata: ["stream": "\(configuration.name)"])
    results.forget(configuration)
    await preload([configuration])
  }

  /// How the stream stands now.
  func standing(_ name: StreamName) -> Standing? { standings.withLock { $0[name] } }

  /// All standings.
  func allStandings() -> [StreamName: Standing] { standings.withLock { $0 } }

  private func load(_ configuration: StreamConfiguration) async throws -> LoadedStream {
    let source: any StreamSource
    do {
      source = try registry.source(for: configuration)
    } catch {
      throw ServerError(.badSpecification, "stream \(configuration.name): \(error)", cause: error)
    }
    let loaded = try await loader.load(configuration, from: source)
    let number = nextNumber.withLock { number in
      defer { number += 1 }
      return number
    }
    let stream = LoadedStream(
      number: number, configuration: configuration, source: source, manifest: loaded.manifest,
      identity: loaded.identity, staleBecause: loaded.staleBecause)
    logger.info(
      "stream loaded",
      metadata: [
        "stream": "\(stream.name)", "location": "\(configuration.location)",
        "shards": "\(loaded.manifest.shards.count)",
        "samples": "\(loaded.manifest.samples)",
      ])
    if let reason = loaded.staleBecause {
      logger.warning(
        "remote cannot be asked for its index; the kept copy serves",
        metadata: ["stream": "\(stream.name)", "error": "\(reason)"])
    }
    if let changes = source.changes() {
      watches.begin(configuration.name, changes) { [weak self] in await self?.changed(configuration) }
    }
    return stream
  }
}
