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
    /// Changes what is logged, when a reload wants it so.
    public var setLogLevel: @Sendable (LogConfiguration.Level) -> Void

    public init(
      configuration: Configuration, configurationFile: String, registry: StreamRegistry,
      notifier: ServiceNotifier? = nil, activated: [ActivatedSocket] = [], fetchers: FetcherPool,
      setLogLevel: @escaping @Sendable (LogConfiguration.Level) -> Void = { _ in }
    ) {
      self.configuration = configuration
      self.configurationFile = configurationFile
      self.registry = registry
      self.notifier = notifier
      self.activated = activated
      self.fetchers = fetchers
      self.setLogLevel = setLogLevel
    }
  }

  let options: Options
  let parts: DaemonParts
  let streams: StreamCatalog
  let listeners: [Listener]
  let notices: StartNotices
  let logger: Logger

  /// Opens the cache and the socket.
  ///
  /// - Throws: what keeps the daemon from starting: a cache that another daemon owns, a socket that is taken.
  public init(_ options: Options, logger: Logger) async throws {
    self.options = options
    self.logger = logger
    notices = StartNotices(options.notifier, logger: logger)
    let configuration = options.configuration
    let live = LiveConfiguration(configuration)
    let metrics = DaemonMetrics()
    let clock = DaemonClock()
    let health = HealthService()
    let shards = try await ShardService.open(
      live, fetchers: options.fetchers, clock: clock, health: health, metrics: metrics, logger: logger)
    let planDirectory = configuration.plans.directory ?? "\(configuration.cache.directory)/plans"
    let keptPlans = KeptDirectory(path: planDirectory, suffix: PlanStore.suffix) {
      (limit: live.value.plans.limit, reserve: live.value.cache.reserve)
    }
    let keptManifests = KeptDirectory(
      path: Self.indexDirectory(configuration), suffix: ManifestStore.suffix
    ) { (limit: ManifestStore.limit, reserve: live.value.cache.reserve) }
    let plans = PlanStore(kept: keptPlans, logger: logger)
    let manifests = ManifestStore(kept: keptManifests, logger: logger)
    shards.keeps(plans: keptPlans, indexes: keptManifests)
    streams = StreamCatalog(
      registry: options.registry,
      loader: ManifestLoader(
        store: manifests, executor: QueueExecutor(label: "manifests"), fetch: shards.fetch,
        transfer: { live.value.transfer }),
      health: health, logger: logger)
    let datasets = DatasetCatalog(live, streams: streams)
    let sessions = SessionDirectory(labels: metrics.datasets)
    let errors = RecentErrors()
    let access = try AccessRules(configuration.access)
    let started = WallClock.seconds()
    let admin = AdminService(
      configurationFile: options.configurationFile, registry: options.registry, datasets: datasets, streams: streams,
      sessions: sessions, shards: shards, health: health, access: access, errors: errors, clock: clock,
      fetchers: options.fetchers, metrics: metrics, notifier: options.notifier, logger: logger)
    parts = DaemonParts(
      datasets: datasets,
      epochs: EpochService(store: plans, threads: ProcessSettings.cores, metrics: metrics, logger: logger),
      shards: shards, sessions: sessions, health: health, admin: admin, access: access, errors: errors, clock: clock,
      metrics: metrics, logger: logger, instance: "\(PeerCredentials.ownProcess)-\(Int(started * 1000))")
    let listeners = try SocketSetup.listeners(options)
    self.listeners = listeners
    admin.whenReloaded { configuration in
      for listener in listeners { listener.setLimit(connections: configuration.limits.connections) }
      options.setLogLevel(configuration.log.level)
    }
  }

  /// Where indexes are kept, and where large ones lie while they are read.
  public static func indexDirectory(_ configuration: Configuration) -> String {
    "\(configuration.cache.directory)/manifests"
  }

  /// Serves until it is told to stop.
  public func run() async throws {
    let signals = SignalService(logger: logger, parts: parts)
    // They stop in the opposite order, one after another: health over HTTP still tells that the daemon drains.
    let services: [any Service] = [
      HTTPService(configuration: options.configuration.http, parts: parts, logger: logger),
      ListenerService(listeners: listeners, parts: parts),
      LoadingService(streams: streams, parts: parts, notifier: options.notifier, notices: notices, logger: logger),
      PrefetchService(
        shards: parts.shards, verifiesAdopted: options.configuration.cache.verifyOnStart, logger: logger),
      WatchdogService(
        notifier: options.notifier, parts: parts, socket: SocketSetup.path(options), logger: logger),
      DiskWatchService(shards: parts.shards, health: parts.health), RemoteWatchService(shards: parts.shards),
    ]
    // How long a stop may take is the drain's to say (see ListenerService) and the signal service's to enforce: a reload
    // may change it.
    let group = ServiceGroupConfiguration(services: services.map { .init(service: $0) }, logger: logger)
    let serviceGroup = ServiceGroup(configuration: group)
    signals.start(stopping: serviceGroup, notifier: options.notifier)
    try await serviceGroup.run()
    await parts.shards.cache.close()
    options.fetchers.close()
    logger.info("stopped")
  }
}
