import DatasetModel

/// The cache's books: what is there, what is under way, who uses it, and when it is needed next. A value without I/O; its
/// transitions answer what has to be done, and the one who calls them does it.
///
/// Byte counts: `used + reserved + unlinking + quarantined` never passes the limit because of anything the ledger does
/// (files found at the start, or a limit lowered later, are evicted down to it).
struct CacheLedger: Sendable {
  var limits: CacheLimits
  /// What the disk allows for the cache's files altogether; nil before it was asked.
  var diskLimit: Int?
  /// What the disk had free when it was last looked at.
  var diskFree: Int?
  var entries: [LedgerEntry?] = []
  var freeSlots: [Int] = []
  var index: [ShardKey: Int] = [:]
  var copies: [CopyID: LedgerCopy] = [:]
  /// Those of them that are being unlinked.
  var unlinking: Set<CopyID> = []
  var downloads: [DownloadID: LedgerDownload] = [:]
  var claims: [ClaimID: LedgerClaim] = [:]
  /// Claims that wait for room, oldest first.
  var queue: [ClaimID] = []
  var sessions: [SessionID: SessionFuture] = [:]
  var pins: Set<CachePin> = []
  /// By the name of their directory in quarantine.
  var quarantine: [String: QuarantinedBytes] = [:]
  var bytes = LedgerBytes()
  var streamBytes: [StreamName: LedgerBytes] = [:]
  /// Bytes of copies that clients hold open, evicted or not.
  var heldBytes = 0
  /// The most bytes that one claim has asked for, or a session has announced.
  var largestClaim = 0
  var counters = CacheCounters()
  /// How often bytes became free on the disk.
  var freedTimes = 0
  /// Why the last prefetch was put off; nil when asking again may help.
  var gate: PrefetchGate?
  private var lastNumber = 0
  private var useClock = 0

  init(limits: CacheLimits) { self.limits = limits }

  /// A number that nothing else in this ledger has.
  mutating func nextNumber() -> Int {
    lastNumber += 1
    return lastNumber
  }

  mutating func nextUseTime() -> Int {
    useClock += 1
    return useClock
  }

  /// Bytes that may be counted now.
  var capacity: Int { min(limits.total ?? Int.max, diskLimit ?? Int.max) }

  /// Bytes that can be reserved without evicting; negative after a limit was lowered.
  var room: Int { capacity - bytes.counted }

  /// Room for one stream: its own limit's, where it has one.
  func room(of stream: StreamName) -> Int {
    guard let limit = limits.streams[stream] else { return Int.max }
    return limit - (streamBytes[stream]?.counted ?? 0)
  }

  /// The entry of `key`, made if there is none.
  mutating func slot(for key: ShardKey, _ facts: ShardFacts, request: ShardRequest?) -> Int {
    if let slot = index[key] {
      if let request, entries[slot]?.request == nil {
        entries[slot]?.request = request
        if entries[slot]?.isAbsent == true { entries[slot]?.facts = facts }
      }
      return slot
    }
    var entry = LedgerEntry(key: key, facts: facts, request: request)
    entry.isPinned = isPinned(facts)
    let slot: Int
    if let free = freeSlots.popLast() {
      slot = free
      entries[slot] = entry
    } else {
      slot = entries.count
      entries.append(entry)
    }
    index[key] = slot
    return slot
  }

  mutating func slot(for request: ShardRequest) -> Int {
    if let slot = index[request.key], entries[slot]?.request != nil { return slot }
    let facts = ShardFacts(
      stream: request.stream, name: request.name, residentBytes: request.residentBytes, peakBytes: request.peakBytes)
    return slot(for: request.key, facts, request: request)
  }

  /// Forgets an entry that nothing refers to any more.
  mutating func tidy(_ slot: Int) {
    guard let entry = entries[slot], entry.isAbsent, entry.interest.isEmpty, entry.claims == 0 else { return }
    index[entry.key] = nil
    entries[slot] = nil
    freeSlots.append(slot)
  }

  /// The entry in `slot`, which something refers to.
  subscript(_ slot: Int) -> LedgerEntry {
    get {
      guard let entry = entries[slot] else { preconditionFailure("the ledger forgot an entry that is referred to") }
      return entry
    }
    set { entries[slot] = newValue }
  }

  func isAbsent(_ slot: Int) -> Bool { entries[slot]?.isAbsent ?? true }

  mutating func count(_ stream: StreamName, _ change: (inout LedgerBytes) -> Void) {
    change(&bytes)
    change(&streamBytes[stream, default: LedgerBytes()])
  }

  /// Takes up a copy that was found on disk at the start.
  mutating func adopt(
    _ key: ShardKey, _ facts: ShardFacts, place: CopyPlace, verified: Set<String>
  ) -> CopyID {
    let slot = slot(for: key, facts, request: nil)
    precondition(self[slot].isAbsent, "two copies of one shard were adopted")
    let id = CopyID(number: nextNumber())
    copies[id] = LedgerCopy(
      slot: slot, stream: facts.stream, place: place, bytes: facts.residentBytes, verified: verified, isUnused: false)
    self[slot].state = .committed(id)
    count(facts.stream) { $0.used += facts.residentBytes }
    return id
  }
}

/// Byte counts, of the cache or of one stream.
public struct LedgerBytes: Sendable, Hashable {
  /// Committed copies.
  public internal(set) var used = 0
  /// Downloads under way, at their peak.
  public internal(set) var reserved = 0
  /// Evicted, but not unlinked yet or still open somewhere.
  public internal(set) var unlinking = 0
  /// Out of use, but on the disk.
  public internal(set) var quarantined = 0

  /// What counts against a limit.
  public var counted: Int { used + reserved + unlinking + quarantined }
}

/// What an operator wants kept: a stream, or one shard of it.
public struct CachePin: Sendable, Hashable {
  public let stream: StreamName
  /// The shard's name (its data file's basename); nil for all of the stream.
  public let shard: String?

  public init(stream: StreamName, shard: String? = nil) {
    self.stream = stream
    self.shard = shard
  }
}

/// Sums since the start.
public struct CacheCounters: Sendable, Hashable {
  /// Wanted shards that were there.
  public internal(set) var hits = 0
  /// Wanted shards that were neither there nor under way.
  public internal(set) var misses = 0
  /// Wanted shards that were under way already.
  public internal(set) var joins = 0
  public internal(set) var downloads = 0
  /// Stored bytes of finished downloads.
  public internal(set) var downloadedBytes = 0
  public internal(set) var prefetches = 0
  /// Prefetched shards that were evicted before anybody used them.
  public internal(set) var wastedPrefetches = 0
  public internal(set) var failures = 0
  public internal(set) var evictions = 0
  public internal(set) var evictedBytes = 0
  public internal(set) var quarantined = 0
  /// Requests that had to wait for others to let go: the limit was tight for them.
  public internal(set) var tightWaits = 0

  /// Share of wanted shards that were there; nil before the first.
  public var hitRate: Double? {
    let wanted = hits + misses + joins
    return wanted == 0 ? nil : Double(hits) / Double(wanted)
  }
}
