import DatasetModel

@testable import ShardCache

/// Does random things to a ledger and to the naive model, and holds one against the other after each.
struct LedgerDriver {
  var ledger: CacheLedger
  var naive: NaiveCache
  var random: SeededRandom
  var now = 0.0
  let requests: [ShardRequest]
  var runs: [DownloadID: Int] = [:]
  var unlinks: [CopyID] = []
  var clearing: [[String]] = []
  var leases: [CopyID] = []
  var holds: [CopyID] = []
  var waiting: [ClaimID: [Int]] = [:]
  var sessions: [SessionID] = []
  var crowd = 12
  var granted = 0
  var refused = 0
  var faults: [String] = []
  private let shardOf: [ShardKey: Int]

  init(seed: UInt64, limit: Int, streamLimits: [StreamName: Int], requests: [ShardRequest]) {
    let ahead = seed.isMultiple(of: 2) ? 20_000 : nil
    ledger = CacheLedger(limits: CacheLimits(total: limit, streams: streamLimits, freeSpaceReserve: 0, ahead: ahead))
    self.requests = requests
    random = SeededRandom(seed)
    naive = NaiveCache(
      shards: requests.map {
        NaiveCache.Shard(bytes: $0.residentBytes, peak: $0.peakBytes, stream: $0.stream)
      }, limit: limit)
    shardOf = Dictionary(uniqueKeysWithValues: requests.enumerated().map { ($0.element.key, $0.offset) })
  }

  /// Takes what the ledger wants, in order, and checks each of it against the model.
  mutating func take(_ actions: [CacheAction], byHand: Bool = false) {
    for action in actions {
      switch action {
      case .download(let id, let request, _):
        guard let shard = shardOf[request.key] else { continue }
        if naive.shards[shard].isReserved || naive.shards[shard].copy != nil {
          faults.append("downloads a shard that is there")
        }
        naive.shards[shard].isReserved = true
        runs[id] = shard
        if naive.counted() > naive.limit { faults.append("reserves beyond the limit") }
        if let limit = ledger.limits.streams[request.stream], naive.counted(request.stream) > limit {
          faults.append("reserves beyond the stream's limit")
        }
      case .unlink(let id, _):
        if !byHand { faults += naive.faults(evictingOnDemand: [id.number]) }
        guard let copy = naive.copies[id.number] else { continue }
        if copy.leases > 0 { faults.append("evicts under a lease") }
        naive.copies[id.number]?.isLeaving = true
        naive.shards[copy.shard].copy = nil
        unlinks.append(id)
      case .clearQuarantine(let names): clearing.append(names)
      case .grant(let claim, let copies):
        granted += 1
        let shards = waiting.removeValue(forKey: claim) ?? []
        if shards.count != copies.count { faults.append("grants another number of shards") }
        for (shard, copy) in zip(shards, copies) {
          if naive.shards[shard].copy != copy.copy.number { faults.append("grants a shard that is not there") }
          naive.copies[copy.copy.number]?.leases += 1
          leases.append(copy.copy)
        }
      case .fail(let claim, _): waiting[claim] = nil
      case .wakePrefetch, .recall, .report: break
      }
    }
    naive.tidy()
  }

  /// What the two disagree about.
  mutating func check() -> [String] {
    var found = faults + ledger.violations()
    if naive.counted() != ledger.bytes.counted {
      found.append("the ledger counts \(ledger.bytes.counted), the model \(naive.counted())")
    }
    for (shard, request) in requests.enumerated() {
      let state = ledger.index[request.key].flatMap { ledger.entries[$0]?.state } ?? .absent
      let isThere = naive.shards[shard].copy != nil
      switch state {
      case .committed(let copy): if naive.shards[shard].copy != copy.number { found.append("\(shard) is elsewhere") }
      case .reserved: if !naive.shards[shard].isReserved { found.append("\(shard) is not reserved") }
      case .absent, .unlinking:
        if isThere || naive.shards[shard].isReserved { found.append("\(shard) is lost") }
      }
    }
    for (id, copy) in naive.copies {
      let known = ledger.copies[CopyID(number: id)]
      // Leases of admitted claims that are not granted yet are the ledger's own.
      if known == nil || known?.holders != copy.holders || known?.leases ?? 0 < copy.leases {
        found.append("copy \(id) has other users")
      }
    }
    return found
  }

  mutating func pick<Element>(_ list: [Element]) -> Element? {
    list.isEmpty ? nil : list[random.below(list.count)]
  }

  mutating func removeRandom<Element>(_ list: WritableKeyPath<Self, [Element]>) -> Element? {
    guard !self[keyPath: list].isEmpty else { return nil }
    let place = random.below(self[keyPath: list].count)
    return self[keyPath: list].remove(at: place)
  }
}
