import DatasetModel

@testable import ShardCache

/// Replays a trace on a ledger: one session, whose downloads and unlinks end in random order and after random times.
struct LedgerReplay {
  var ledger: CacheLedger
  let requests: [ShardRequest]
  private var random: SeededRandom
  private var downloads: [DownloadID] = []
  private var unlinks: [CopyID] = []
  private var granted: [CopyID]?
  private let session = SessionID(number: -1)
  private var now = 0.0
  let prefetches: Int
  /// Batches that had to wait for a download.
  private(set) var stalls = 0

  init(_ trace: Trace, requests: [ShardRequest], limit: Int, prefetches: Int, seed: UInt64) {
    ledger = CacheLedger(limits: CacheLimits(total: limit, freeSpaceReserve: 0))
    self.requests = requests
    self.prefetches = prefetches
    random = SeededRandom(seed)
    let future = SessionFuture(
      uses: ListedUses(positions: trace.positions, shards: requests.count), shards: requests.count, position: 0,
      bounds: AheadBounds(), pace: Pace(now: 0))
    take(ledger.announce(session, future, requests, now: 0))
  }

  /// Runs the whole trace; answers the bytes that were downloaded.
  mutating func run(_ trace: Trace) throws -> Int {
    for (position, needed) in trace.positions.enumerated() {
      prefetch()
      for _ in 0..<random.below(3) { work() }
      let claim = ClaimID(number: ledger.nextNumber())
      granted = nil
      take(try ledger.claim(claim, needed.map { requests[$0] }, now: now))
      if granted == nil { stalls += 1 }
      while granted == nil {
        precondition(!downloads.isEmpty || !unlinks.isEmpty, "a claim waits for nothing")
        work()
      }
      for copy in granted ?? [] { take(ledger.release(copy, now: now)) }
      now += 0.1
      take(ledger.advance(session, to: position + 1, now: now))
    }
    return ledger.counters.downloads * requests[0].shard.storedBytes
  }

  private mutating func prefetch() {
    guard prefetches > 0 else { return }
    while true {
      let (answer, actions) = ledger.nextPrefetch(downloads: prefetches, now: now)
      take(actions)
      guard case .started = answer else { return }
    }
  }

  /// One download or unlink under way ends.
  private mutating func work() {
    let count = downloads.count + unlinks.count
    guard count > 0 else { return }
    now += 0.01
    let place = random.below(count)
    if place < downloads.count {
      let id = downloads.remove(at: place)
      let bytes = requests[0].residentBytes
      let files = CopyPlace(stream: "s", name: "\(id.number)")
      take(ledger.committed(id, place: files, bytes: bytes, verified: [], now: now))
    } else {
      take(ledger.unlinked(unlinks.remove(at: place - downloads.count), now: now))
    }
    prefetch()
  }

  private mutating func take(_ actions: [CacheAction]) {
    for action in actions {
      switch action {
      case .download(let id, _, _): downloads.append(id)
      case .unlink(let id, _): unlinks.append(id)
      case .grant(_, let copies): granted = copies.map(\.copy)
      case .fail, .clearQuarantine, .wakePrefetch, .recall, .report: break
      }
    }
  }
}
