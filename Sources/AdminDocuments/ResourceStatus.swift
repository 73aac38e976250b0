/// The shard cache.
public struct CacheStatus: Codable, Sendable {
  public var directory: String
  /// nil: no limit but the disk's.
  public var limit: Int?
  public var used: Int
  public var reserved: Int
  /// Evicted, but still held open by a client.
  public var unlinking: Int
  public var leased: Int
  public var evictable: Int
  public var freeOnDisk: Int
  public var shards: Int
  public var hits: Int
  public var misses: Int
  /// Wanted while on their way already, for another or ahead of time.
  public var joins: Int
  public var evictions: Int
  public var quarantined: Int
  /// Requests that wait for room now, and that had to since the start.
  public var waiting: Int
  public var tightWaits: Int
  /// Bytes fetched ahead that nobody has used yet, and shards fetched ahead that left before anybody did.
  public var fetchedAhead: Int
  public var wastedPrefetches: Int
  public var downloadedBytes: Int
  /// What is kept beside the shards, within bounds of its own: epoch plans and indexes.
  public var kept: [KeptStatus]
  public var streams: [CacheStreamStatus]
  /// Shards that would leave next.
  public var nextEvictions: [String]

  public init(
    directory: String, limit: Int?, used: Int, reserved: Int, unlinking: Int, leased: Int, evictable: Int,
    freeOnDisk: Int, shards: Int, hits: Int, misses: Int, joins: Int, evictions: Int, quarantined: Int, waiting: Int,
    tightWaits: Int, fetchedAhead: Int, wastedPrefetches: Int, downloadedBytes: Int, kept: [KeptStatus],
    streams: [CacheStreamStatus], nextEvictions: [String]
  ) {
    self.directory = directory
    self.limit = limit
    self.used = used
    self.reserved = reserved
    self.unlinking = unlinking
    self.leased = leased
    self.evictable = evictable
    self.freeOnDisk = freeOnDisk
    self.shards = shards
    self.hits = hits
    self.misses = misses
    self.joins = joins
    self.evictions = evictions
    self.quarantined = quarantined
    self.waiting = waiting
    self.tightWaits = tightWaits
    self.fetchedAhead = fetchedAhead
    self.wastedPrefetches = wastedPrefetches
    self.downloadedBytes = downloadedBytes
    self.kept = kept
    self.streams = streams
    self.nextEvictions = nextEvictions
  }
}

/// Files that are kept for the next start, beside the shards.
public struct KeptStatus: Codable, Sendable {
  /// What they are.
  public var what: String
  public var directory: String
  public var bytes: Int
  public var limit: Int

  public init(what: String, directory: String, bytes: Int, limit: Int) {
    self.what = what
    self.directory = directory
    self.bytes = bytes
    self.limit = limit
  }
}

/// One stream's part of the cache.
public struct CacheStreamStatus: Codable, Sendable {
  public var stream: String
  public var bytes: Int
  /// nil: no limit but the cache's.
  public var limit: Int?
  public var shards: Int
  public var pinned: Int

  public init(stream: String, bytes: Int, limit: Int?, shards: Int, pinned: Int) {
    self.stream = stream
    self.bytes = bytes
    self.limit = limit
    self.shards = shards
    self.pinned = pinned
  }
}

/// Downloads.
public struct TransferStatus: Codable, Sendable {
  public var bytes: Int
  public var bytesPerSecond: Double
  public var attempts: Int
  /// Retries by cause.
  public var retries: [String: Int]
  public var queued: Int
  public var active: [DownloadStatus]
  public var streams: [StreamTransferStatus]

  public init(
    bytes: Int, bytesPerSecond: Double, attempts: Int, retries: [String: Int], queued: Int, active: [DownloadStatus],
    streams: [StreamTransferStatus]
  ) {
    self.bytes = bytes
    self.bytesPerSecond = bytesPerSecond
    self.attempts = attempts
    self.retries = retries
    self.queued = queued
    self.active = active
    self.streams = streams
  }
}

/// One stream's downloads since the daemon's start.
public struct StreamTransferStatus: Codable, Sendable {
  public var stream: String
  public var files: Int
  public var bytes: Int
  /// Of all its downloads together, waiting for retries included.
  public var seconds: Double
  public var attempts: Int
  public var retries: Int
  public var failures: Int

  public init(
    stream: String, files: Int, bytes: Int, seconds: Double, attempts: Int, retries: Int, failures: Int
  ) {
    self.stream = stream
    self.files = files
    self.bytes = bytes
    self.seconds = seconds
    self.attempts = attempts
    self.retries = retries
    self.failures = failures
  }
}

/// A download under way.
public struct DownloadStatus: Codable, Sendable {
  public var stream: String
  public var file: String
  public var bytes: Int
  public var total: Int
  public var attempt: Int
  public var seconds: Double

  public init(stream: String, file: String, bytes: Int, total: Int, attempt: Int, seconds: Double) {
    self.stream = stream
    self.file = file
    self.bytes = bytes
    self.total = total
    self.attempt = attempt
    self.seconds = seconds
  }
}
