import DatasetModel

/// How much the cache may hold.
public struct CacheLimits: Sendable, Hashable {
  /// Bytes of all copies, downloads under way and files not yet given back; nil for what the disk holds.
  public var total: Int?
  /// Bytes for single streams, within the total.
  public var streams: [StreamName: Int]
  /// Bytes of the file system that stay free whatever the limit.
  public var freeSpaceReserve: Int
  /// Bytes of shards that were prefetched for one session and not yet reached; nil for no bound. Here and not among a
  /// session's own bounds, so that a change holds for the sessions there are and not from their next epoch on.
  public var ahead: Int?

  public init(
    total: Int? = nil, streams: [StreamName: Int] = [:], freeSpaceReserve: Int = 1 << 30, ahead: Int? = nil
  ) {
    self.total = total
    self.streams = streams
    self.freeSpaceReserve = freeSpaceReserve
    self.ahead = ahead
  }

  /// The least limit under which every one of `batches` (the shards that must be there at once) can be served: what a
  /// `total` is refused below.
  public static func minimum(for batches: some Sequence<[ShardRequest]>) -> Int {
    var least = 0
    for batch in batches {
      var seen: Set<ShardKey> = []
      least = max(least, batch.reduce(0) { $0 + (seen.insert($1.key).inserted ? $1.peakBytes : 0) })
    }
    return least
  }
}

/// How far ahead of a session's position shards are prefetched, within what the cache's limits allow.
public struct AheadBounds: Sendable, Hashable {
  /// Positions (batches) ahead; nil for no bound but the cache's limit.
  public var positions: Int?

  public init(positions: Int? = nil) { self.positions = positions }

  /// The reference's `predownload`: samples ahead, for a session that takes `batchSize` samples a batch.
  public init(predownload: Int?, batchSize: Int) {
    precondition(batchSize > 0, "a batch has samples")
    positions = predownload.map { max(0, $0 + batchSize - 1) / batchSize }
  }
}
