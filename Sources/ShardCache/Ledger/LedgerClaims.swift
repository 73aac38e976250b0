import DatasetModel

/// Claims: sets of shards that somebody wants all at once.
///
/// A claim holds nothing until it can have everything: room for what is absent is reserved, and what is there is leased,
/// in one transition. So two claims can never wait for each other, however tight the limit. Claims that need room are
/// admitted oldest first; one that needs none is let past, but not past the same claim more than `passedLimit` times.
extension CacheLedger {
  static let passedLimit = 32
  /// After so many findings that the disk is full, although books and file system say otherwise, a claim fails.
  static let spaceFailureLimit = 4

  /// Leases all of `slots` if they are there now and nobody older is kept waiting by it.
  mutating func leaseIfPresent(_ requests: [ShardRequest]) -> [GrantedCopy]? {
    if let head = queue.first, claims[head].map({ $0.passed >= Self.passedLimit }) ?? false { return nil }
    var found: [CopyID] = []
    for request in requests {
      guard let slot = index[request.key], case .committed(let copy)? = entries[slot]?.state else { return nil }
      found.append(copy)
    }
    if let head = queue.first { claims[head]?.passed += 1 }
    counters.hits += found.count
    return found.map { lease($0) }
  }

  /// Takes up a claim on shards that are all different.
  ///
  /// - Throws: `limitTooSmall` when the limit can never hold them at once.
  mutating func claim(_ id: ClaimID, _ requests: [ShardRequest], now: Double) throws(CacheError) -> [CacheAction] {
    let bytes = requests.reduce(0) { $0 + $1.peakBytes }
    try refuseTooLarge(requests)
    largestClaim = max(largestClaim, bytes)
    var slots: [Int] = []
    for request in requests {
      let slot = slot(for: request)
      slots.append(slot)
      entries[slot]?.claims += 1
      switch self[slot].state {
      case .committed: counters.hits += 1
      case .reserved: counters.joins += 1
      case .absent, .unlinking: counters.misses += 1
      }
    }
    claims[id] = LedgerClaim(slots: slots, bytes: bytes, since: now)
    queue.append(id)
    var actions: [CacheAction] = []
    settle(now: now, &actions)
    return actions
  }

  /// Refuses a claim on shards that are all different, and that the limits can never hold together.
  func refuseTooLarge(_ requests: [ShardRequest]) throws(CacheError) {
    let bytes = requests.reduce(0) { $0 + $1.peakBytes }
    let keys = Set(requests.map(\.key))
    if let limit = limits.total {
      let pinned = pinnedBytes { !keys.contains($0.key) }
      guard bytes <= limit - pinned else { throw tooSmall("cache_limit", limit, bytes, pinned, requests) }
    }
    for stream in Set(requests.map(\.stream)) {
      guard let limit = limits.streams[stream] else { continue }
      let ofStream = requests.filter { $0.stream == stream }
      let wanted = ofStream.reduce(0) { $0 + $1.peakBytes }
      let pinned = pinnedBytes { $0.facts.stream == stream && !keys.contains($0.key) }
      guard wanted <= limit - pinned else {
        throw tooSmall("cache_limit of stream \(stream)", limit, wanted, pinned, ofStream)
      }
    }
  }

  private func tooSmall(
    _ option: String, _ limit: Int, _ wanted: Int, _ pinned: Int, _ requests: [ShardRequest]
  ) -> CacheError {
    let shards = requests.count == 1 ? "shard" : "\(requests.count) shards"
    let kept = pinned == 0 ? "" : " beside \(ByteCount.describe(pinned)) that are pinned"
    return CacheError(
      .limitTooSmall,
      "\(option) is \(limit) bytes, but the \(shards) wanted at once (\(requests.first?.name ?? "none")"
        + (requests.count > 1 ? ", …" : "") + ") take \(wanted) bytes while they are prepared\(kept); "
        + "at least \(wanted + pinned) would do",
      stream: requests.first?.stream, shard: requests.first?.name, leastBytes: wanted + pinned)
  }

  /// Admits what can be admitted, oldest first, and otherwise makes room for the oldest.
  mutating func settle(now: Double, _ actions: inout [CacheAction]) {
    while let head = queue.first, admit(head, now: now, makingRoom: true, &actions) { queue.removeFirst() }
    guard let head = queue.first else {
      wakePrefetch(&actions)
      return
    }
    reportTightness(head, &actions)
    for other in queue.dropFirst() {
      guard let passed = claims[head]?.passed, passed < Self.passedLimit else { return }
      if admit(other, now: now, makingRoom: false, &actions) {
        claims[head]?.passed += 1
        queue.removeAll { $0 == other }
      }
    }
  }

  /// Says once for each claim that it waits for others to let go, since nothing more can be evicted; or for room
  /// on the disk, where it is other people's files that take it.
  private mutating func reportTightness(_ id: ClaimID, _ actions: inout [CacheAction]) {
    guard let claim = claims[id], !claim.isReported else { return }
    let wanted = claim.slots.reduce(0) { $0 + (isAbsent($1) ? self[$1].facts.peakBytes : 0) }
    guard wanted > room + leaving(nil) else { return }
    claims[id]?.isReported = true
    counters.tightWaits += 1
    if isShortOfDisk, isDiskFilled, let diskFree {
      actions.append(.report(.diskShort(missingBytes: wanted - max(0, room), free: diskFree)))
      return
    }
    let leased = copies.values.reduce(0) { $0 + ($1.leases > 0 ? $1.bytes : 0) }
    actions.append(.report(.tight(wanted: wanted, limit: capacity, leased: leased, heldByClients: heldBytes)))
  }

  /// Gives a claim everything at once if it can; answers whether it did.
  private mutating func admit(
    _ id: ClaimID, now: Double, makingRoom: Bool, _ actions: inout [CacheAction]
  ) -> Bool {
    guard let claim = claims[id] else { return true }
    let absent = claim.slots.filter { isAbsent($0) }
    for slot in claim.slots {
      if case .unlinking = self[slot].state { return false }
    }
    if !absent.isEmpty {
      guard makingRoom, makeRoom(for: absent, keeping: claim.slots, now: now, &actions) else { return false }
    }
    var remaining = 0
    var leased: [CopyID] = []
    for slot in claim.slots {
      switch self[slot].state {
      case .committed(let copy):
        _ = lease(copy)
        leased.append(copy)
      case .reserved(let download):
        downloads[download]?.claims.append(id)
        remaining += 1
      case .absent:
        begin(slot, claims: [id], isPrefetch: false, now: now, &actions)
        remaining += 1
      case .unlinking: preconditionFailure("a claim was admitted on a shard that is being unlinked")
      }
    }
    claims[id]?.leased = leased
    claims[id]?.phase = .admitted(remaining: remaining)
    if remaining == 0 { grant(id, &actions) }
    return true
  }

  /// A download that an admitted claim waits for was committed.
  mutating func arrived(_ copy: CopyID, for id: ClaimID, _ actions: inout [CacheAction]) {
    guard case .admitted(let remaining)? = claims[id]?.phase else { return }
    _ = lease(copy)
    claims[id]?.leased.append(copy)
    claims[id]?.phase = .admitted(remaining: remaining - 1)
    if remaining == 1 { grant(id, &actions) }
  }

  private mutating func grant(_ id: ClaimID, _ actions: inout [CacheAction]) {
    guard let claim = claims.removeValue(forKey: id) else { return }
    let granted = claim.slots.map { slot -> GrantedCopy in
      entries[slot]?.claims -= 1
      guard case .committed(let copy) = self[slot].state else {
        preconditionFailure("a claim was granted without one of its shards")
      }
      return describe(copy)
    }
    actions.append(.grant(id, granted))
  }

  /// Ends a claim that is not granted: its deadline passed, its caller is gone, or one of its downloads failed.
  mutating func withdraw(_ id: ClaimID, now: Double) -> [CacheAction] {
    var actions: [CacheAction] = []
    guard let claim = claims.removeValue(forKey: id) else { return actions }
    queue.removeAll { $0 == id }
    giveBack(claim, id)
    for slot in claim.slots {
      entries[slot]?.claims -= 1
      tidy(slot)
    }
    settle(now: now, &actions)
    return actions
  }

  /// Takes back what an admitted claim holds; the claim itself stays.
  mutating func giveBack(_ claim: LedgerClaim, _ id: ClaimID) {
    for copy in claim.leased { endLease(copy) }
    for slot in claim.slots {
      if case .reserved(let download)? = entries[slot]?.state { downloads[download]?.claims.removeAll { $0 == id } }
    }
  }

  /// Puts an admitted claim back among those that wait for room: the disk was full.
  mutating func requeue(_ id: ClaimID) {
    guard var claim = claims[id] else { return }
    giveBack(claim, id)
    claim.phase = .waiting
    claim.leased = []
    claims[id] = claim
    let place = queue.firstIndex { $0 > id } ?? queue.endIndex
    queue.insert(id, at: place)
  }

  mutating func lease(_ copy: CopyID) -> GrantedCopy {
    let time = nextUseTime()
    if let slot = copies[copy]?.slot { entries[slot]?.lastUse = time }
    copies[copy]?.leases += 1
    copies[copy]?.isUnused = false
    return describe(copy)
  }

  private func describe(_ id: CopyID) -> GrantedCopy {
    guard let copy = copies[id] else { preconditionFailure("a copy was leased that is not there") }
    return GrantedCopy(copy: id, place: copy.place, verified: copy.verified)
  }

  /// Why a claim is not granted yet, and which of its shards is to blame.
  func standing(of id: ClaimID) -> (slot: Int, text: String)? {
    guard let claim = claims[id], let first = claim.slots.first else { return nil }
    guard case .admitted = claim.phase else {
      let slot = claim.slots.first { isAbsent($0) } ?? first
      return (slot, "waits for room: \(roomInWords(claim))")
    }
    let slot = claim.slots.first { if case .reserved = self[$0].state { true } else { false } } ?? first
    return (slot, "is being downloaded")
  }

  private func roomInWords(_ claim: LedgerClaim) -> String {
    let leased = copies.values.reduce(0) { $0 + ($1.leases > 0 ? $1.bytes : 0) }
    let place = queue.first.map { claims[$0]?.slots == claim.slots } ?? true ? "" : "behind an older request, "
    return "\(place)\(claim.bytes) bytes wanted of \(capacity == Int.max ? "no limit" : "\(capacity)"), "
      + "\(leased) in use, \(bytes.reserved) reserved, \(bytes.unlinking) evicted but not yet given back"
  }
}
