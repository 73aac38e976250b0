import BuiltInStreams
import DaemonConfiguration
import LinuxSystem
import LocalSocket
import Logging
import ServiceLifecycle
import ShardCache
import StreamRegistry
import Synchronization
import Transfer
import WireProtocol

/// The daemon, wired: the parts of one node and the services that run them.
public final class Daemon: Sendable {
  /// What a daemon is started with.
  public struct Options: Sendable {
    public var configuration: Configuration
    /// The file it came from, to be read again on reload.
    public var configurationFile: String
    public var registry: StreamRegistry
    public var notifier: ServiceNotifier?
    public var activated: [ActivatedSocket]
    /// How fetchers are observed, for status.
    public var fetchers: FetcherPool

    public init(
      configuration: Configuration, configurationFile: String, registry: StreamRegistry,
      notifier: ServiceNotifier?, activated: [ActivatedSocket], fetchers: FetcherPool
    ) {
      self.configuration = configuration
      self.configurationFile = configurationFile
      self.registry = registry
      self.notifier = notifier
      self.activated = activated
      self.fetchers = fetchers
    }
  }

  let options: Options
  let parts: DaemonParts
  let streams: StreamCatalog
  let listeners: [Listener]
  let logger: Logger

  /// Opens the cache and the socket.
  ///
  /// - Throws: what keeps the daemon from starting: a cache that another daemon owns, a socket that is taken.
  public init(_ options: Options, logger: Logger) async throws {
    self.options = options
    self.logger = logger
    let configuration = options.configuration
    let clock = DaemonClock()
    let health = HealthService()
    let shards = try await ShardService.open(
      configuration, fetchers: options.fetchers, clock: clock, health: health, logger: logger)
    let planDirectory = configuration.plans.directory ?? "\(configuration.cache.directory)/plans"
    let keptPlans = KeptDirectory(
      path: planDirectory, suffix: PlanStore.suffix, limit: configuration.plans.limit,
      reserve: configuration.cache.reserve)
    let keptManifests = KeptDirectory(
      path: "\(configuration.cache.directory)/manifests", suffix: ManifestStore.suffix, limit: ManifestStore.limit,
      reserve: configuration.cache.reserve)
    let plans = PlanStore(kept: keptPlans, logger: logger)
    let manifests = ManifestStore(kept: keptManifests, logger: logger)
    shards.keeps(plans: keptPlans, indexes: keptManifests)
    streams = StreamCatalog(
      registry: options.registry,
      loader: ManifestLoader(store: manifests, executor: QueueExecutor(label: "manifests"), logger: logger),
      health: health, logger: logger)
    let datasets = DatasetCatalog(configuration, streams: streams)
    let sessions = SessionDirectory()
    let errors = RecentErrors()
    let access = try AccessRules(configuration.access)
    let started = WallClock.seconds()
    let admin = AdminService(
      configurationFile: options.configurationFile, registry: options.registry, datasets: datasets, streams: streams,
      sessions: sessions, shards: shards, health: health, access: access, errors: errors, clock: clock,
      fetchers: options.fetchers, notifier: options.notifier, logger: logger)
    parts = DaemonParts(
      datasets: datasets, epochs: EpochService(store: plans, threads: ProcessSettings.cores, logger: logger),
      shards: shards, sessions: sessions, health: health, admin: admin, access: access, errors: errors, clock: clock,
      logger: logger, instance: "\(PeerCredentials.ownProcess)-\(Int(started * 1000))")
    listeners = try SocketSetup.listeners(options)
  }

  /// Serves until it is told to stop.
  public func run() async throws {
    let signals = SignalService(logger: logger, parts: parts)
    let services: [any Service] = [
      ListenerService(listeners: listeners, parts: parts, drainSeconds: options.configuration.drainSeconds),
      LoadingService(streams: streams, parts: parts, notifier: options.notifier, logger: logger),
      PrefetchService(
        shards: parts.shards, verifiesAdopted: options.configuration.cache.verifyOnStart, logger: logger),
      WatchdogService(
        notifier: options.notifier, parts: parts, socket: options.configuration.socket.path, logger: logger),
      HTTPService(configuration: options.configuration.http, parts: parts, logger: logger),
    ]
    var group = ServiceGroupConfiguration(services: services.map { .init(service: $0) }, logger: logger)
    group.maximumGracefulShutdownDuration = .seconds(options.configuration.drainSeconds + 5)
    let serviceGroup = ServiceGroup(configuration: group)
    signals.start(stopping: serviceGroup, notifier: options.notifier)
    try await serviceGroup.run()
    await parts.shards.cache.close()
    options.fetchers.close()
    logger.info("stopped")
  }
}
