import DatasetModel

@testable import ShardCache

extension LedgerDriver {
  /// One random thing.
  mutating func step() {
    now += Double(random.below(100)) / 1000
    // Now a crowd that waits for room, now hardly anybody, so that prefetching has its turn.
    if random.chance(1) { crowd = random.chance(30) ? 12 : 1 }
    switch random.below(100) {
    case 0..<26: if waiting.count < crowd { claim() }
    case 26..<46: endDownload()
    case 46..<58: endUnlink()
    case 58..<74: release()
    case 74..<79: retain()
    case 79..<84: drop()
    case 84..<86: withdraw()
    case 86..<89: announce()
    case 89..<94: advance()
    case 94..<98: prefetch()
    default: administer()
    }
  }

  private mutating func claim() {
    var wanted = Set((0..<(1 + random.below(4))).map { _ in random.below(requests.count) }).sorted()
    wanted.shuffle(using: &random)
    if random.chance(30), let leased = ledger.leaseIfPresent(wanted.map { requests[$0] }) {
      for (shard, copy) in zip(wanted, leased) {
        if naive.shards[shard].copy != copy.copy.number { faults.append("leases a shard that is not there") }
        naive.copies[copy.copy.number]?.leases += 1
        leases.append(copy.copy)
      }
      return
    }
    let id = ClaimID(number: ledger.nextNumber())
    let before = naive
    do throws(CacheError) {
      waiting[id] = wanted
      let actions = try ledger.claim(id, wanted.map { requests[$0] }, now: now)
      checkChoice(actions, before, wanted)
      take(actions)
    } catch {
      waiting[id] = nil
      refused += 1
      if !isRight(error, wanted) { faults.append("refuses wrongly: \(error)") }
    }
  }

  /// Whether what would do, as a refusal says, is more than a limit allows and enough for what was wanted: of the whole
  /// cache, or of the stream that the refusal names.
  private func isRight(_ error: CacheError, _ wanted: [Int]) -> Bool {
    guard error.code == .limitTooSmall, let least = error.leastBytes else { return false }
    func peak(_ shards: some Sequence<Int>) -> Int { shards.reduce(0) { $0 + requests[$1].peakBytes } }
    if least > naive.limit, least >= peak(wanted) { return true }
    guard let stream = error.stream, let limit = ledger.limits.streams[stream] else { return false }
    return least > limit && least >= peak(wanted.filter { requests[$0].stream == stream })
  }

  /// The first claim in the queue chooses who leaves, so only that is judged: one claim, no limits of streams in play.
  private mutating func checkChoice(_ actions: [CacheAction], _ before: NaiveCache, _ wanted: [Int]) {
    guard ledger.queue.count == 1, ledger.limits.streams.isEmpty else { return }
    let evicted = actions.compactMap { action -> Int? in
      if case .unlink(let id, _) = action { id.number } else { nil }
    }
    let busy = Set(ledger.copies.filter { $0.value.leases > 0 }.map(\.key.number))
    faults += before.choiceFaults(evicted, keeping: Set(wanted), busy: busy)
  }

  private mutating func endDownload() {
    guard let id = pick(runs.keys.sorted { $0.number < $1.number }), let shard = runs[id] else { return }
    if random.chance(50) { ledger.backed(id) }
    runs[id] = nil
    naive.shards[shard].isReserved = false
    let outcome = random.below(20)
    if outcome == 0 {
      let error = CacheError(.unavailable, "made up", request: requests[shard])
      take(ledger.failed(id, error, now: now))
    } else if outcome == 1 {
      let error = CacheError(.noSpace, "made up", request: requests[shard])
      take(ledger.diskWasFull(id, missing: 1 + random.below(5000), error: error, now: now))
      ledger.diskLimit = nil
      var actions: [CacheAction] = []
      ledger.settle(now: now, &actions)
      take(actions)
    } else {
      let place = CopyPlace(stream: "s", name: "\(shard)")
      let copy = ledger.nextNumber() + 1
      naive.copies[copy] = NaiveCache.Copy(shard: shard, bytes: requests[shard].residentBytes)
      naive.shards[shard].copy = copy
      take(ledger.committed(id, place: place, bytes: requests[shard].residentBytes, verified: [], now: now))
    }
  }

  private mutating func endUnlink() {
    if let names = clearing.popLast() {
      let stuck = random.chance(10) ? Set(names.prefix(1)) : []
      for name in names where !stuck.contains(name) { naive.quarantined[name] = nil }
      take(ledger.quarantineCleared(names, stuck: stuck, now: now))
      for name in stuck { naive.quarantined[name] = nil }
      take(ledger.quarantineCleared(Array(stuck), stuck: [], now: now))
      return
    }
    guard let id = removeRandom(\.unlinks) else { return }
    if random.chance(2), let copy = naive.copies.removeValue(forKey: id.number) {
      let name = "stuck \(id.number)"
      naive.quarantined[name] = copy.bytes
      holds.removeAll { $0 == id }
      take(ledger.unlinkFailed(id, reason: "made up", now: now))
      // Somebody mends the disk, or no room would be left after a while.
      naive.quarantined[name] = nil
      take(ledger.quarantineCleared([name], stuck: [], now: now))
    } else {
      naive.copies[id.number]?.isUnlinked = true
      naive.tidy()
      take(ledger.unlinked(id, now: now))
    }
  }

  mutating func release() {
    guard let id = removeRandom(\.leases) else { return }
    naive.copies[id.number]?.leases -= 1
    naive.tidy()
    take(ledger.release(id, now: now))
  }

  private mutating func retain() {
    guard let id = pick(leases) else { return }
    if ledger.retain(id) {
      naive.copies[id.number]?.holders += 1
      holds.append(id)
    }
    let held = naive.copies.values.reduce(0) { $0 + ($1.holders > 0 ? $1.bytes : 0) }
    if held > naive.limit / 2 { faults.append("clients hold more than their part") }
  }

  mutating func drop() {
    guard let id = removeRandom(\.holds) else { return }
    naive.copies[id.number]?.holders -= 1
    naive.tidy()
    take(ledger.drop(id, now: now))
  }

  private mutating func withdraw() {
    guard let id = pick(waiting.keys.sorted()) else { return }
    waiting[id] = nil
    take(ledger.withdraw(id, now: now))
  }

  private mutating func announce() {
    if sessions.count >= 3, let session = sessions.first {
      sessions.removeFirst()
      naive.sessions[session.number] = nil
      take(ledger.close(session))
      return
    }
    let isNew = sessions.isEmpty || random.chance(70)
    let session = isNew ? SessionID(number: ledger.nextNumber()) : sessions[0]
    let pace = isNew ? Double(1 + random.below(20)) / 10 : naive.sessions[session.number]?.pace ?? 1
    let positions = (0..<(5 + random.below(60))).map { _ in
      Set((0..<(1 + random.below(3))).map { _ in random.below(requests.count) }).sorted()
    }
    let position = random.below(3)
    let uses = ListedUses(positions: positions, shards: requests.count)
    let bounds = random.chance(50) ? AheadBounds() : AheadBounds(positions: 8)
    let future = SessionFuture(
      uses: uses, shards: requests.count, position: position, bounds: bounds, pace: Pace(now: now, fixed: pace))
    naive.sessions[session.number] = NaiveCache.Session(positions: positions, position: position, pace: pace)
    if isNew { sessions.append(session) }
    take(ledger.announce(session, future, requests, now: now))
  }

  private mutating func advance() {
    guard let session = pick(sessions), var known = naive.sessions[session.number] else { return }
    known.position += 1 + random.below(3)
    naive.sessions[session.number] = known
    take(ledger.advance(session, to: known.position, now: now))
  }

  private mutating func prefetch() {
    let before = naive
    let (answer, actions) = ledger.nextPrefetch(downloads: 3, now: now)
    take(actions)
    guard case .started = answer else {
      judgeAhead(actions, before)
      return
    }
  }

  /// Prefetching must never evict what is needed before what it brings: the soonest absent shard is the latest it brings.
  private mutating func judgeAhead(_ actions: [CacheAction], _ before: NaiveCache) {
    let absent = before.shards.indices.filter { shard in
      before.shards[shard].copy == nil && !before.shards[shard].isReserved
    }
    let soonest = absent.map { before.need($0) }.min() ?? .infinity
    for case .unlink(let id, _) in actions {
      guard let copy = before.copies[id.number] else { continue }
      if before.need(copy.shard) < soonest {
        faults.append("prefetching evicts what is needed in \(before.need(copy.shard)) s for \(soonest) s")
      }
    }
  }

  private mutating func administer() {
    switch random.below(3) {
    case 0:
      let shard = random.below(requests.count)
      let name = requests[shard].name
      take(ledger.evict(where: { $0.name == name }, now: now).actions, byHand: true)
    case 1:
      let shard = random.below(requests.count)
      naive.pinned = random.chance(50) ? [shard] : []
      let pins = naive.pinned.map { CachePin(stream: requests[$0].stream, shard: requests[$0].name) }
      take(ledger.setPins(Set(pins), now: now))
    default:
      let present = naive.copies.filter { naive.shards[$0.value.shard].copy == $0.key }.keys.sorted()
      guard let number = pick(present), let copy = naive.copies[number] else { return }
      naive.shards[copy.shard].copy = nil
      naive.copies[number]?.bytes = 0
      naive.copies[number]?.isUnlinked = true
      naive.quarantined["q\(number)"] = copy.bytes
      naive.tidy()
      take(ledger.distrust(CopyID(number: number), isGone: false, name: "q\(number)", now: now))
    }
  }

  /// Lets everything that is under way end well, and everybody give back what they have.
  mutating func drain() {
    naive.pinned = []
    take(ledger.setPins([], now: now))
    var rounds = 0
    while !runs.isEmpty || !unlinks.isEmpty || !leases.isEmpty || !holds.isEmpty || !clearing.isEmpty, rounds < 10_000 {
      rounds += 1
      endDownload()
      endUnlink()
      release()
      drop()
    }
  }
}
