import DatasetModel

/// Pins, evictions by hand, and what the ledger looks like from outside.
extension CacheLedger {
  func isPinned(_ facts: ShardFacts) -> Bool {
    !pins.isEmpty
      && (pins.contains(CachePin(stream: facts.stream))
        || pins.contains(CachePin(stream: facts.stream, shard: facts.name)))
  }

  /// Bytes of pinned copies that `isCounted` takes.
  func pinnedBytes(where isCounted: (LedgerEntry) -> Bool) -> Int {
    guard !pins.isEmpty else { return 0 }
    return copies.values.reduce(0) { sum, copy in
      guard copy.phase == .committed, let entry = entries[copy.slot], entry.isPinned, isCounted(entry) else {
        return sum
      }
      return sum + copy.bytes
    }
  }

  /// Puts `pins` in place of those there were.
  mutating func setPins(_ pins: Set<CachePin>, now: Double) -> [CacheAction] {
    self.pins = pins
    for slot in entries.indices {
      guard let facts = entries[slot]?.facts else { continue }
      let isPinned = isPinned(facts)
      entries[slot]?.isPinned = isPinned
    }
    var actions: [CacheAction] = []
    settle(now: now, &actions)
    return actions
  }

  /// Puts `limits` in place; what is over them leaves as soon as it is not in use.
  mutating func setLimits(_ limits: CacheLimits, now: Double) -> [CacheAction] {
    self.limits = limits
    diskLimit = nil
    var actions: [CacheAction] = []
    trim(now: now, &actions)
    settle(now: now, &actions)
    return actions
  }

  /// Evicts what is over the limits, by the same choice as for a claim.
  mutating func trim(now: Double, _ actions: inout [CacheAction]) {
    for stream in limits.streams.keys.sorted() where room(of: stream) + leaving(stream) < 0 {
      for victim in victims(keeping: [], now: now).sorted() where victim.stream == stream {
        guard room(of: stream) + leaving(stream) < 0 else { break }
        evict(victim.copy, &actions)
      }
    }
    guard room + leaving(nil) < 0 else { return }
    for victim in victims(keeping: [], now: now).sorted() {
      guard room + leaving(nil) < 0 else { break }
      evict(victim.copy, &actions)
    }
  }

  /// Evicts by hand what `selects` and nobody uses, pins or not. Answers how many were in use and stayed.
  mutating func evict(
    where selects: (ShardFacts) -> Bool, now: Double
  ) -> (evicted: Int, bytes: Int, inUse: Int, actions: [CacheAction]) {
    var actions: [CacheAction] = []
    var (evicted, bytes, inUse) = (0, 0, 0)
    for (id, copy) in copies.sorted(by: { $0.key < $1.key }) where copy.phase == .committed {
      guard let entry = entries[copy.slot], selects(entry.facts) else { continue }
      if copy.leases > 0 {
        inUse += 1
      } else {
        evict(id, &actions)
        evicted += 1
        bytes += copy.bytes
      }
    }
    return (evicted, bytes, inUse, actions)
  }

  /// The whole state in numbers and names. `nextEvictions` is how many of those to name.
  func snapshot(nextEvictions: Int, now: Double) -> CacheSnapshot {
    var streams: [StreamName: CacheSnapshot.Stream] = [:]
    for (name, bytes) in streamBytes { streams[name, default: .init(stream: name)].bytes = bytes }
    var leased = 0
    var shards = 0
    var evictable = 0
    var ahead = 0
    for copy in copies.values where copy.phase == .committed {
      shards += 1
      if copy.isUnused { ahead += copy.bytes }
      streams[copy.stream, default: .init(stream: copy.stream)].shards += 1
      let isPinned = entries[copy.slot]?.isPinned ?? false
      if isPinned { streams[copy.stream]?.pinnedShards += 1 }
      if copy.leases > 0 { leased += copy.bytes }
      if copy.leases == 0, !isPinned {
        evictable += copy.bytes
        streams[copy.stream]?.evictableBytes += copy.bytes
      }
    }
    for (name, limit) in limits.streams { streams[name, default: .init(stream: name)].limit = limit }
    let next = victims(keeping: [], now: now).sorted().prefix(nextEvictions).map { victim in
      let facts = copies[victim.copy].flatMap { entries[$0.slot]?.facts }
      return CacheSnapshot.NextEviction(
        stream: victim.stream, shard: facts?.name ?? "", bytes: victim.bytes,
        secondsUntilUse: victim.need.isFinite ? victim.need : nil)
    }
    return CacheSnapshot(
      limit: limits.total, diskLimit: diskLimit, bytes: bytes, leasedBytes: leased, evictableBytes: evictable,
      heldBytes: heldBytes, aheadBytes: ahead, shards: shards, downloads: downloads.count, waitingClaims: queue.count,
      sessions: sessions.count, counters: counters, streams: streams.values.sorted { $0.stream < $1.stream },
      nextEvictions: next)
  }
}
