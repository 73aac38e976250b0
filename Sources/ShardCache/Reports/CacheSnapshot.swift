import DatasetModel

/// The cache at one moment: for `sluice cache`, status and metrics. All sizes are bytes.
public struct CacheSnapshot: Sendable, Hashable {
  /// One stream's part.
  public struct Stream: Sendable, Hashable {
    public let stream: StreamName
    public internal(set) var bytes = LedgerBytes()
    /// nil for none of its own.
    public internal(set) var limit: Int?
    public internal(set) var shards = 0
    public internal(set) var pinnedShards = 0
    public internal(set) var evictableBytes = 0
  }

  /// A shard that would leave if room were needed now.
  public struct NextEviction: Sendable, Hashable {
    public let stream: StreamName
    public let shard: String
    public let bytes: Int
    /// nil when no session will need it.
    public let secondsUntilUse: Double?
  }

  /// The configured limit; nil for none.
  public let limit: Int?
  /// What the disk allows for the cache, as far as it was asked.
  public let diskLimit: Int?
  public let bytes: LedgerBytes
  /// In use by requests now.
  public let leasedBytes: Int
  public let evictableBytes: Int
  /// Held open by clients, evicted or not.
  public let heldBytes: Int
  /// Fetched ahead, and not used by anybody yet.
  public let aheadBytes: Int
  public let shards: Int
  public let downloads: Int
  /// Requests that wait for room.
  public let waitingClaims: Int
  public let sessions: Int
  public let counters: CacheCounters
  public let streams: [Stream]
  public let nextEvictions: [NextEviction]
}
