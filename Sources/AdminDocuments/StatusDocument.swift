/// What `sluice status` shows, as the daemon answers it in JSON. Times are seconds, sizes bytes.
public struct StatusDocument: Codable, Sendable {
  public var daemon: DaemonStatus
  public var streams: [StreamStatus]
  public var datasets: [DatasetStatus]
  public var sessions: [SessionStatus]
  public var cache: CacheStatus
  public var transfer: TransferStatus
  /// Newest first.
  public var errors: [RecentError]

  public init(
    daemon: DaemonStatus, streams: [StreamStatus], datasets: [DatasetStatus], sessions: [SessionStatus],
    cache: CacheStatus, transfer: TransferStatus, errors: [RecentError]
  ) {
    self.daemon = daemon
    self.streams = streams
    self.datasets = datasets
    self.sessions = sessions
    self.cache = cache
    self.transfer = transfer
    self.errors = errors
  }
}

/// The daemon itself.
public struct DaemonStatus: Codable, Sendable {
  public var version: String
  public var process: Int
  public var uptimeSeconds: Double
  /// `starting`, `ready`, `degraded` or `draining`.
  public var state: String
  public var detail: String
  public var configuration: String
  public var connections: Int

  public init(
    version: String, process: Int, uptimeSeconds: Double, state: String, detail: String, configuration: String,
    connections: Int
  ) {
    self.version = version
    self.process = process
    self.uptimeSeconds = uptimeSeconds
    self.state = state
    self.detail = detail
    self.configuration = configuration
    self.connections = connections
  }
}

/// A registered stream.
public struct StreamStatus: Codable, Sendable {
  public var name: String
  public var kind: String
  public var location: String
  /// `loading`, `ready`, `stale` (its remote is down, a kept index serves) or `failed`.
  public var state: String
  public var shards: Int
  public var samples: Int
  public var bytes: Int
  public var error: String?

  public init(
    name: String, kind: String, location: String, state: String, shards: Int, samples: Int, bytes: Int, error: String?
  ) {
    self.name = name
    self.kind = kind
    self.location = location
    self.state = state
    self.shards = shards
    self.samples = samples
    self.bytes = bytes
    self.error = error
  }
}

/// A registered dataset.
public struct DatasetStatus: Codable, Sendable {
  public var name: String
  public var streams: [String]
  public var batchSize: Int
  public var batchingMethod: String
  public var shuffle: String

  public init(name: String, streams: [String], batchSize: Int, batchingMethod: String, shuffle: String) {
    self.name = name
    self.streams = streams
    self.batchSize = batchSize
    self.batchingMethod = batchingMethod
    self.shuffle = shuffle
  }
}

/// One trainer process's session.
public struct SessionStatus: Codable, Sendable {
  public var number: Int
  public var client: String
  public var process: Int
  public var user: Int
  public var dataset: String
  public var rank: Int
  public var ranks: Int
  public var epoch: Int
  /// Next batch of the rank, and how many the epoch has.
  public var batch: Int
  public var batches: Int
  public var samplesPerSecond: Double
  public var bytesPerSecond: Double
  /// Seconds since the last request.
  public var idleSeconds: Double
  /// What a request under way is waiting for; nil when none is.
  public var waiting: WaitStatus?
  /// The wait under way counted in.
  public var stalls: StallSeconds

  public init(
    number: Int, client: String, process: Int, user: Int, dataset: String, rank: Int, ranks: Int, epoch: Int,
    batch: Int, batches: Int, samplesPerSecond: Double, bytesPerSecond: Double, idleSeconds: Double,
    waiting: WaitStatus?, stalls: StallSeconds
  ) {
    self.number = number
    self.client = client
    self.process = process
    self.user = user
    self.dataset = dataset
    self.rank = rank
    self.ranks = ranks
    self.epoch = epoch
    self.batch = batch
    self.batches = batches
    self.samplesPerSecond = samplesPerSecond
    self.bytesPerSecond = bytesPerSecond
    self.idleSeconds = idleSeconds
    self.waiting = waiting
    self.stalls = stalls
  }
}

/// One of the last errors.
public struct RecentError: Codable, Sendable {
  /// Seconds since 1970.
  public var time: Double
  public var message: String

  public init(time: Double, message: String) {
    self.time = time
    self.message = message
  }
}
