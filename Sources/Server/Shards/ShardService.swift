import AdminDocuments
import BuiltInStreams
import DaemonConfiguration
import DatasetModel
import LinuxSystem
import Logging
import ShardCache
import ShardFormats
import StreamRegistry
import Synchronization
import Transfer
import WireProtocol

/// Verified, open shards for connections: the cache, what fills it, and where each shard's samples lie.
final class ShardService: ShardOpening {
  /// Sample tables kept, in bytes; one has 4 bytes a sample.
  static let tableBytes = 256 << 20
  /// Enough to keep two fetchers' connections busy.
  static let defaultDownloads = 8

  let cache: ShardCache
  let fetch: RetryingFetch
  let fetchers: FetcherPool
  let futures: FutureService
  let limits: LimitCheck
  let requests: ShardRequests
  let remotes: RemoteWatch
  /// The configuration in force.
  let live: LiveConfiguration
  /// Shards that are fetched ahead at once.
  var downloads: Int { live.value.transfer.downloads ?? Self.defaultDownloads }
  private let tables = SampleTables(limit: ShardService.tableBytes)
  var waitSeconds: Double { live.value.waitSeconds }
  private let clock: DaemonClock
  let logger: Logger
  /// What the daemon keeps on disk beside the shards, for status.
  let keptBesides = Mutex<[(what: String, kept: KeptDirectory)]>([])

  private init(
    cache: ShardCache, fetch: RetryingFetch, fetchers: FetcherPool, live: LiveConfiguration, clock: DaemonClock,
    requests: ShardRequests, remotes: RemoteWatch, logger: Logger
  ) {
    self.cache = cache
    self.fetch = fetch
    self.fetchers = fetchers
    self.live = live
    self.clock = clock
    self.requests = requests
    self.remotes = remotes
    self.logger = logger
    futures = FutureService(cache: cache, requests: requests, logger: logger)
    limits = LimitCheck(cache: cache, requests: requests, logger: logger)
  }

  /// Takes the cache directory and recovers what an earlier daemon left in it.
  static func open(
    _ live: LiveConfiguration, fetchers: FetcherPool, clock: DaemonClock, health: HealthService,
    metrics: DaemonMetrics, logger: Logger
  ) async throws -> ShardService {
    let configuration = live.value
    let limits = limits(of: configuration)
    let watch = RemoteWatch(health: health, live: live, clock: clock, logger: logger)
    let options = ShardCache.Options(limits: limits) { event in
      watch.observe(event)
      if case .committed(_, _, let bytes, let seconds) = event { metrics.committed(bytes: bytes, seconds: seconds) }
      let (message, metadata) = event.logged
      logger.log(level: event.isWarning ? .warning : .debug, message, metadata: metadata)
    }
    let pool = BlockingPool(name: "sluice-files", threads: max(4, ProcessSettings.cores))
    let (cache, report) = try await ShardCache.open(
      directory: configuration.cache.directory, pool: pool, options: options)
    logger.info("cache opened", metadata: ["directory": "\(configuration.cache.directory)", "recovered": "\(report)"])
    let fetch = RetryingFetch(observer: { notice in
      watch.observe(notice)
      let error = notice.error
      logger.warning(
        "a download failed and is tried again",
        metadata: [
          "stream": "\(error.stream)", "shard": "\(error.file)", "attempt": "\(error.attempts)",
          "pause_seconds": "\(notice.seconds)", "error": "\(error.last.message)",
        ])
    })
    let requests = ShardRequests(fetch: fetch, live: live)
    return ShardService(
      cache: cache, fetch: fetch, fetchers: fetchers, live: live, clock: clock, requests: requests,
      remotes: watch, logger: logger)
  }

  /// Makes known what else the daemon keeps on disk.
  func keeps(plans: KeptDirectory, indexes: KeptDirectory) {
    keptBesides.withLock { $0 = [("plans", plans), ("indexes", indexes)] }
  }

  /// How much the cache may hold.
  private static func limits(of configuration: Configuration) -> CacheLimits {
    var streamLimits: [StreamName: Int] = [:]
    for stream in configuration.streams { streamLimits[stream.name] = stream.cacheLimit }
    return CacheLimits(
      total: configuration.cache.limit, streams: streamLimits, freeSpaceReserve: configuration.cache.reserve,
      ahead: configuration.cache.prefetchLimit)
  }

  /// Puts the limits of the configuration in force in place; what is over them leaves.
  func applyLimits() async { await cache.setLimits(Self.limits(of: live.value)) }

  /// The same for what is kept beside the shards. Files are removed: not for the cooperative pool's threads.
  func applyKeptLimits() {
    for (what, kept) in keptBesides.withLock({ $0 }) {
      do throws(SystemError) {
        try kept.shrink()
      } catch {
        logger.warning(
          "what is kept on disk could not be brought within its limit",
          metadata: ["what": "\(what)", "directory": "\(kept.path)", "error": "\(error)"])
      }
    }
  }

  var recalls: Int { cache.recalls }

  func openIfPresent(_ places: [ShardSlot: SamplePlaces.ShardPlace]) throws -> [ShardSlot: OpenShard]? {
    let ordered = places.map { ($0.key, $0.value) }
    guard let leases = try cache.acquireNow(ordered.map { requests.request(for: $0.1) }) else { return nil }
    var opened: [ShardSlot: OpenShard] = [:]
    for (lease, (slot, place)) in zip(leases, ordered) { opened[slot] = try self.opened(lease, place) }
    return opened
  }

  func open(
    _ places: [ShardSlot: SamplePlaces.ShardPlace], for session: SessionRecord
  ) throws -> [ShardSlot: OpenShard] {
    let ordered = places.sorted { ($0.key.stream, $0.key.shard) < ($1.key.stream, $1.key.shard) }
    let wanted = ordered.map { requests.request(for: $0.value) }
    let began = clock.now
    let wait = ShardWait()
    session.progress { $0.waits(for: Self.describe(wanted), on: wait, since: began) }
    defer {
      let now = clock.now
      session.progress { $0.waited(until: now) }
    }
    let deadline = ContinuousClock.now + .seconds(waitSeconds)
    let leases = try waitForTask { [cache] in try await cache.acquire(wanted, deadline: deadline, wait: wait) }
    var opened: [ShardSlot: OpenShard] = [:]
    for (lease, (slot, place)) in zip(leases, ordered) { opened[slot] = try self.opened(lease, place) }
    return opened
  }

  /// A leased shard with its sample table, checked before any of its bytes is served.
  private func opened(_ lease: ShardLease, _ place: SamplePlaces.ShardPlace) throws -> OpenShard {
    let slot = ShardSlot(stream: place.stream.number, shard: place.shard)
    let table = try tables.table(for: slot) {
      let descriptor = place.stream.manifest.shards[place.shard]
      let head = lease.meta ?? lease.data
      let sizes = (data: try lease.data.size(), meta: try lease.meta?.size())
      return try SampleTable.read(descriptor, at: place.shard, stream: place.stream.name, sizes: sizes) {
        (offset, count) throws(SystemError) in try head.read(count: count, at: offset)
      }
    }
    guard let retained = lease.retain() else {
      return OpenShard(file: lease.data, table: table, hold: .leased(lease))
    }
    lease.release()
    return OpenShard(file: lease.data, table: table, hold: .retained(retained))
  }

  private static func describe(_ requests: [ShardRequest]) -> String {
    guard let first = requests.first else { return "shards" }
    let name = "stream \(first.stream), shard \(first.name)"
    return requests.count == 1 ? name : "\(name) and \(requests.count - 1) others"
  }
}
