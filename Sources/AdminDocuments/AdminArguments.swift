/// The argument of `evict`, `pin` and `unpin`.
public struct ShardArgument: Codable, Sendable {
  public var stream: String
  /// Basename of a shard; nil for the whole stream.
  public var shard: String?

  public init(stream: String, shard: String?) {
    self.stream = stream
    self.shard = shard
  }
}

/// What `evict`, `pin` and `unpin` did.
public struct ShardChangeDocument: Codable, Sendable {
  public var shards: Int
  public var bytes: Int
  /// Shards left as they were, and why.
  public var skipped: [String]

  public init(shards: Int, bytes: Int, skipped: [String]) {
    self.shards = shards
    self.bytes = bytes
    self.skipped = skipped
  }
}

/// The argument of `prefetch`.
public struct PrefetchArgument: Codable, Sendable {
  public var dataset: String

  public init(dataset: String) { self.dataset = dataset }
}

/// How far a prefetch is, and at last what it did.
public struct PrefetchDocument: Codable, Sendable {
  public var shards: Int
  public var totalShards: Int
  public var bytes: Int
  public var totalBytes: Int
  /// What could not be fetched, and why.
  public var failures: [String]

  public init(shards: Int, totalShards: Int, bytes: Int, totalBytes: Int, failures: [String]) {
    self.shards = shards
    self.totalShards = totalShards
    self.bytes = bytes
    self.totalBytes = totalBytes
    self.failures = failures
  }
}

/// What a reload did.
public struct ReloadDocument: Codable, Sendable {
  /// False: the file is bad and what was in force stays.
  public var applied: Bool
  public var changes: [String]
  public var problems: [String]

  public init(applied: Bool, changes: [String], problems: [String]) {
    self.applied = applied
    self.changes = changes
    self.problems = problems
  }
}
