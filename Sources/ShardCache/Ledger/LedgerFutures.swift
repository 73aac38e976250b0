import DatasetModel

/// What sessions announce, and what follows from it: when each shard is needed next.
extension CacheLedger {
  /// Takes up a session's future in place of what it announced before. `requests` are the session's shards, by number.
  mutating func announce(
    _ session: SessionID, _ future: SessionFuture, _ requests: [ShardRequest], now: Double
  ) -> [CacheAction] {
    var future = future
    let former = sessions.removeValue(forKey: session)
    if let former {
      future.takeOver(former)
    } else {
      future.seat = freeSeat()
    }
    if let former, isSame(former.slots, requests) {
      future.slots = former.slots
    } else {
      // The former interest goes after the new one came, so that entries known to both stay.
      future.slots = requests.enumerated().map { shard, request in
        let slot = slot(for: request)
        let mark = former == nil ? shard : shard + Self.fresh
        entries[slot]?.interest.append(LedgerEntry.Interest(session: session, shard: mark, seat: future.seat))
        return slot
      }
      if let former { replace(former, session, future.slots) }
    }
    sessions[session] = future
    let isWholeThere = holdsAll(of: session)
    sessions[session]?.isWholeThere = isWholeThere
    var actions: [CacheAction] = []
    gate = nil
    wakePrefetch(&actions)
    return actions
  }

  /// The smallest seat that no session has.
  private func freeSeat() -> Int {
    let taken = Set(sessions.values.map(\.seat))
    return (0...taken.count).first { !taken.contains($0) } ?? taken.count
  }

  /// True when the shards are those that a session announced before: then nothing has to be looked up.
  private func isSame(_ slots: [Int], _ requests: [ShardRequest]) -> Bool {
    guard slots.count == requests.count else { return false }
    for (slot, request) in zip(slots, requests) where entries[slot]?.key != request.key { return false }
    return true
  }

  private mutating func replace(_ former: SessionFuture, _ session: SessionID, _ slots: [Int]) {
    forget(session, former.slots)
    for slot in slots {
      let interest = self[slot].interest.map { interest in
        guard interest.session == session, interest.shard >= Self.fresh else { return interest }
        return LedgerEntry.Interest(session: session, shard: interest.shard - Self.fresh, seat: interest.seat)
      }
      entries[slot]?.interest = interest
    }
  }

  /// Marks interest that is being announced, until the former one is gone.
  private static let fresh = 1 << 48

  private mutating func forget(_ session: SessionID, _ slots: [Int]) {
    for slot in slots {
      entries[slot]?.interest.removeAll { $0.session == session && $0.shard < Self.fresh }
      tidy(slot)
    }
  }

  /// The session has used everything before `position`.
  mutating func advance(_ session: SessionID, to position: Int, now: Double) -> [CacheAction] {
    guard var future = sessions.removeValue(forKey: session) else { return [] }
    let slots = future.slots
    future.advance(to: position, now: now) { isAbsent(slots[$0]) }
    sessions[session] = future
    var actions: [CacheAction] = []
    wakePrefetch(moved: session, to: position, now: now, &actions)
    return actions
  }

  /// The session is over, and its future with it.
  mutating func close(_ session: SessionID) -> [CacheAction] {
    guard let future = sessions.removeValue(forKey: session) else { return [] }
    forget(session, future.slots)
    var actions: [CacheAction] = []
    gate = nil
    wakePrefetch(&actions)
    return actions
  }

  /// A shard is in the cache no more: those who will need it want it again.
  mutating func becameAbsent(_ slot: Int) {
    guard let entry = entries[slot] else { return }
    for interest in entry.interest { sessions[interest.session]?.becameAbsent(interest.shard) }
    tidy(slot)
  }

  /// Whether what a session will need and is not there can all be fetched without anything leaving.
  func holdsAll(of session: SessionID) -> Bool {
    guard let future = sessions[session] else { return true }
    var missing: [StreamName: Int] = [:]
    for (shard, slot) in future.slots.enumerated() where future.next[shard] != SessionFuture.never {
      switch self[slot].state {
      case .committed, .reserved: continue
      case .absent, .unlinking: missing[self[slot].facts.stream, default: 0] += self[slot].facts.peakBytes
      }
    }
    return missing.values.reduce(0, +) <= room && missing.allSatisfy { $0.value <= room(of: $0.key) }
  }

  /// All futures as they stand now.
  func needClock(now: Double) -> NeedClock { NeedClock(sessions, now: now) }
}
