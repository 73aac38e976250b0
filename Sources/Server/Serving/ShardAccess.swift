import WireProtocol

/// A connection's way to shards: those it has open already, then the cache, then the remote.
struct ShardAccess {
  private let shards: any ShardOpening
  private var table: OpenShardTable<OpenShard>
  /// Counts the requests that opened shards; the table's notion of time.
  private var request: UInt64 = 0
  /// How often the cache had wanted files back at the last look: each look asks it about every open file.
  private var recallsSeen = 0

  init(shards: any ShardOpening, limit: Int) {
    self.shards = shards
    table = OpenShardTable(limit: limit)
  }

  /// Opens every shard of `places` that is not open, all at once, and answers a file for each.
  ///
  /// Blocks this thread until they are there, at most as long as the configuration says.
  mutating func open(_ places: SamplePlaces, for session: Session) throws -> [ShardSlot: OpenShardTable<OpenShard>
    .Entry]
  {
    request += 1
    var found: [ShardSlot: OpenShardTable<OpenShard>.Entry] = [:]
    var missing: [ShardSlot: SamplePlaces.ShardPlace] = [:]
    for (slot, place) in places.shards {
      if let entry = table.use(slot, by: request) { found[slot] = entry } else { missing[slot] = place }
    }
    guard !missing.isEmpty else { return found }
    // All at once, present or not: whoever held some and waited for others could wait for somebody who does the same.
    if let opened = try shards.openIfPresent(missing) {
      for (slot, shard) in opened { found[slot] = take(shard, slot) }
      return found
    }
    // Nor does this connection keep room from the others, or from itself, while it waits: what no client has open and
    // this request does not use is let go.
    _ = table.release(after: request, canOrder: false) { _, _ in true }
    let opened = try shards.open(missing, for: session.record)
    for (slot, shard) in opened { found[slot] = take(shard, slot) }
    return found
  }

  /// Keeps a file open that may be; one that may not lives as long as the request.
  private mutating func take(_ shard: OpenShard, _ slot: ShardSlot) -> OpenShardTable<OpenShard>.Entry {
    guard shard.mayBeKept else {
      return OpenShardTable.Entry(handle: 0, file: shard, lastUse: request, passed: false)
    }
    return table.insert(shard, for: slot, by: request)
  }

  /// Notes which of the files just opened the client now holds.
  mutating func markPassed(_ slot: ShardSlot) { table.markPassed(slot) }

  /// Lets go of files that are over the limit, or that the cache wants back; answers the handles to order dropped.
  mutating func release() -> [UInt32] {
    let recalls = shards.recalls
    let looks = recalls != recallsSeen
    var unwanted = 0
    let before = table.entries.count
    let drops = table.release(after: request, looking: looks) { _, entry in
      guard entry.file.isUnwanted else { return false }
      unwanted += 1
      return true
    }
    // What this very request uses could not be let go: then the next one looks again.
    if looks, unwanted <= before - table.entries.count { recallsSeen = recalls }
    return drops
  }

  /// The client has closed these handles.
  ///
  /// - Throws: for a handle that was not ordered dropped, which is a defect of the client's.
  mutating func dropped(_ handles: [UInt32]) throws(ServerError) {
    for handle in handles where !table.dropped(handle) {
      throw ServerError(.malformed, "handle \(handle) was reported dropped, but no reply ordered that")
    }
  }

  /// Handles ordered dropped, or about to be, and not yet reported closed.
  var awaitingDrop: Int { table.leaving.count + table.rested.count }

  /// Whether anything is held that `rest` would let go of.
  var holdsFiles: Bool { !table.entries.isEmpty || !table.leaving.isEmpty }

  /// Lets go of every file because the client has been silent for long; answers how many.
  mutating func rest() -> Int { table.rest() }
}

/// Where shards come from, for a connection's thread.
protocol ShardOpening: Sendable {
  /// All of these shards if all are in the cache now, else nil; never waits for a download.
  func openIfPresent(_ places: [ShardSlot: SamplePlaces.ShardPlace]) throws -> [ShardSlot: OpenShard]?
  /// All of these shards, downloaded as need be; blocks the calling thread.
  func open(
    _ places: [ShardSlot: SamplePlaces.ShardPlace], for session: SessionRecord
  ) throws -> [ShardSlot: OpenShard]
  /// Grows whenever the cache wants back what connections may hold open.
  var recalls: Int { get }
}
