import DatasetModel

/// A download under way.
public struct DownloadSnapshot: Sendable, Hashable {
  public let stream: StreamName
  public let shard: String
  /// Bytes that came so far, and bytes there are.
  public let bytes: Int
  public let totalBytes: Int
  public let attempt: Int
  public let seconds: Double
  public let isPrefetch: Bool
}

/// What an eviction by hand did.
public struct EvictionReport: Sendable, Hashable {
  public let shards: Int
  public let bytes: Int
  /// Shards that stayed because requests were being served from them.
  public let inUse: Int
}

/// What was found in the cache's directory at the start.
public struct RecoveryReport: Sendable, Hashable {
  /// Committed copies that serve again.
  public internal(set) var adopted = 0
  public internal(set) var adoptedBytes = 0
  /// Directories of interrupted downloads and evictions that were removed.
  public internal(set) var swept = 0
  /// Copies that could not be trusted and were moved away now, and all that lie in quarantine.
  public internal(set) var quarantined = 0
  public internal(set) var inQuarantine = 0
  public internal(set) var quarantinedBytes = 0
  /// Paths that are not Sluice's and were left alone.
  public internal(set) var foreign: [String] = []
}
