/// Where a session's time went, by cause. A wait for several shards belongs to the phases of the one that came last.
public struct StallSeconds: Codable, Sendable, Hashable {
  /// Waiting for an epoch's plan.
  public var plan = 0.0
  /// Waiting for room in the cache or a turn to download.
  public var queue = 0.0
  /// Waiting for bytes from the remote, retries and the pauses before them included.
  public var download = 0.0
  /// Waiting for size and digest checks, and for the disk to have the files.
  public var verify = 0.0
  /// Waiting for decompression.
  public var decompress = 0.0
  /// The daemon had nothing to do for this client: the client is the slow one.
  public var client = 0.0

  public init() {}

  /// The causes by name, in the order of a shard's way.
  public static var causes: [(name: String, seconds: @Sendable (StallSeconds) -> Double)] {
    [
      ("plan", { $0.plan }), ("queue", { $0.queue }), ("download", { $0.download }), ("verify", { $0.verify }),
      ("decompress", { $0.decompress }), ("client", { $0.client }),
    ]
  }
}

/// A wait that is going on.
public struct WaitStatus: Codable, Sendable {
  /// One of the causes of `StallSeconds`.
  public var cause: String
  public var what: String
  public var seconds: Double
  /// Shards that are not there yet; of many the first.
  public var outstanding: [OutstandingStatus]
  /// Why there is no room, where room is waited for.
  public var room: String?

  public init(cause: String, what: String, seconds: Double, outstanding: [OutstandingStatus], room: String?) {
    self.cause = cause
    self.what = what
    self.seconds = seconds
    self.outstanding = outstanding
    self.room = room
  }
}

/// A shard that a session waits for.
public struct OutstandingStatus: Codable, Sendable {
  public var stream: String
  public var shard: String
  /// `queue`, `download`, `verify` or `decompress`.
  public var phase: String
  public var bytes: Int
  public var total: Int
  /// 0 before the first.
  public var attempt: Int
  /// Why the attempt before this one failed.
  public var cause: String?

  public init(stream: String, shard: String, phase: String, bytes: Int, total: Int, attempt: Int, cause: String?) {
    self.stream = stream
    self.shard = shard
    self.phase = phase
    self.bytes = bytes
    self.total = total
    self.attempt = attempt
    self.cause = cause
  }
}
