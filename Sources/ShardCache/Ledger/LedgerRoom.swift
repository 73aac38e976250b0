import DatasetModel
import HeapModule

/// Room: which copies leave, and when their bytes are free.
extension CacheLedger {
  /// A copy that may leave, and how good a choice it is.
  struct Victim: Comparable, Sendable {
    let copy: CopyID
    let bytes: Int
    let stream: StreamName
    /// Seconds until it is needed; infinite when nobody will.
    let need: Double
    let lastUse: Int
    let isHeld: Bool

    /// Those that clients hold open come last, since evicting them frees nothing yet; then the one needed last goes
    /// first, and among those that nobody will need the one that was used least recently.
    static func < (left: Victim, right: Victim) -> Bool {
      if left.isHeld != right.isHeld { return right.isHeld }
      if left.need != right.need { return left.need > right.need }
      return left.lastUse == right.lastUse ? left.copy < right.copy : left.lastUse < right.lastUse
    }
  }

  /// Evicts until there is room for `slots`; answers whether there is now. `keeping` are not evicted for it.
  mutating func makeRoom(
    for slots: [Int], keeping: [Int], now: Double, _ actions: inout [CacheAction]
  ) -> Bool {
    var wanted: [StreamName: Int] = [:]
    for slot in slots { wanted[self[slot].facts.stream, default: 0] += self[slot].facts.peakBytes }
    let total = wanted.values.reduce(0, +)
    var hasRoom = true
    var candidates: Heap<Victim>?
    for (stream, bytes) in wanted where room(of: stream) < bytes {
      hasRoom = false
      let missing = bytes - room(of: stream) - leaving(stream)
      if missing > 0 {
        var known = candidates ?? Heap(victims(keeping: keeping, now: now))
        evict(missing, from: &known, of: stream, now: now, &actions)
        candidates = known
      }
    }
    if room < total {
      hasRoom = false
      let missing = total - room - leaving(nil)
      if missing > 0 {
        var known = candidates ?? Heap(victims(keeping: keeping, now: now))
        evict(missing, from: &known, of: nil, now: now, &actions)
      }
    }
    return hasRoom
  }

  /// Bytes that will be free as soon as unlinks under way are done.
  func leaving(_ stream: StreamName?) -> Int {
    let bytes = unlinking.reduce(0) { sum, id in
      guard let copy = copies[id], copy.isIdle, stream == nil || copy.stream == stream else { return sum }
      return sum + copy.bytes
    }
    return quarantine.values.reduce(bytes) { sum, files in
      files.isLeaving && (stream == nil || files.stream == stream) ? sum + files.bytes : sum
    }
  }

  /// All copies that may leave for somebody who needs room now, in no order.
  func victims(keeping: [Int], now: Double) -> [Victim] {
    let kept = Set(keeping)
    let clock = needClock(now: now)
    var found: [Victim] = []
    for (id, copy) in copies where copy.phase == .committed && copy.leases == 0 && !kept.contains(copy.slot) {
      guard entries[copy.slot]?.isPinned == false, let interest = entries[copy.slot]?.interest else { continue }
      found.append(
        Victim(
          copy: id, bytes: copy.bytes, stream: copy.stream, need: clock.secondsUntilUse(interest),
          lastUse: entries[copy.slot]?.lastUse ?? 0, isHeld: copy.holders > 0))
    }
    return found
  }

  private mutating func evict(
    _ bytes: Int, from candidates: inout Heap<Victim>, of stream: StreamName?, now: Double,
    _ actions: inout [CacheAction]
  ) {
    var missing = bytes
    var soonest = Double.infinity
    var others: [Victim] = []
    while missing > 0, let victim = candidates.popMin() {
      guard stream == nil || victim.stream == stream else {
        others.append(victim)
        continue
      }
      // Evidence of past trouble is worth less than a shard that somebody will need.
      if victim.need.isFinite { missing -= clearQuarantine(of: stream, &actions) }
      guard missing > 0 else {
        others.append(victim)
        break
      }
      if let slot = copies[victim.copy]?.slot { leaves(slot) }
      evict(victim.copy, &actions)
      soonest = min(soonest, victim.need)
      if !victim.isHeld { missing -= victim.bytes }
    }
    for victim in others { candidates.insert(victim) }
    if missing > 0 { _ = clearQuarantine(of: stream, &actions) }
    // What was spared only because clients hold it open should be free the next time.
    for victim in candidates.unordered where victim.isHeld && victim.need > soonest {
      if stream == nil || victim.stream == stream { recall(victim.copy, now: now, &actions) }
    }
    if heldBytes > 0 { actions.append(.recall) }
  }

  /// Takes a copy out of use; its bytes count until `unlinked`, and until nobody has it open.
  mutating func evict(_ id: CopyID, _ actions: inout [CacheAction]) {
    guard let copy = copies[id], copy.phase == .committed else { return }
    precondition(copy.leases == 0, "a leased copy was to be evicted")
    copies[id]?.phase = .unlinking
    unlinking.insert(id)
    entries[copy.slot]?.state = .unlinking(id)
    count(copy.stream) {
      $0.used -= copy.bytes
      $0.unlinking += copy.bytes
    }
    counters.evictions += 1
    counters.evictedBytes += copy.bytes
    if copy.isUnused { counters.wastedPrefetches += 1 }
    actions.append(.unlink(id, copy.place))
    if copy.holders > 0 { actions.append(.recall) }
    actions.append(.report(.evicted(stream: copy.stream, shard: self[copy.slot].facts.name, bytes: copy.bytes)))
  }

  /// The copy's files have no name any more.
  mutating func unlinked(_ id: CopyID, now: Double) -> [CacheAction] {
    guard let copy = copies[id], copy.phase == .unlinking else { return [] }
    var actions: [CacheAction] = []
    unlinking.remove(id)
    entries[copy.slot]?.state = .absent
    copies[id]?.phase = .held
    freeIfIdle(id)
    becameAbsent(copy.slot)
    settle(now: now, &actions)
    return actions
  }

  /// A request is done with a copy.
  mutating func release(_ id: CopyID, now: Double) -> [CacheAction] {
    endLease(id)
    guard copies[id]?.leases ?? 0 == 0 else { return [] }
    var actions: [CacheAction] = []
    if queue.isEmpty { wakePrefetch(released: id, &actions) } else { settle(now: now, &actions) }
    return actions
  }

  mutating func endLease(_ id: CopyID) {
    guard let leases = copies[id]?.leases else { return }
    precondition(leases > 0, "a lease was given back twice")
    copies[id]?.leases = leases - 1
    freeIfIdle(id)
  }

  mutating func freeIfIdle(_ id: CopyID) {
    guard let copy = copies[id], copy.phase == .held, copy.isIdle else { return }
    count(copy.stream) { $0.unlinking -= copy.bytes }
    copies[id] = nil
    freedTimes += 1
  }
}
