import DatasetModel

/// What sessions announce, and what follows from it: when each shard is needed next.
extension CacheLedger {
  /// A moment to come: as a session's position, and in seconds from now.
  struct Moment: Sendable {
    let session: SessionID
    let position: Int
    let seconds: Double
  }

  /// Takes up a session's future in place of what it announced before. `requests` are the session's shards, by number.
  mutating func announce(
    _ session: SessionID, _ future: SessionFuture, _ requests: [ShardRequest], now: Double
  ) -> [CacheAction] {
    let former = sessions.removeValue(forKey: session)
    var future = future
    if let former { future.pace = former.pace }
    future.slots = requests.enumerated().map { shard, request in
      let slot = slot(for: request)
      entries[slot]?.interest.append(LedgerEntry.Interest(session: session, shard: shard + Self.fresh))
      return slot
    }
    // The former interest goes after the new one came, so that entries known to both stay.
    if let former { forget(session, former.slots) }
    for slot in future.slots {
      let interest = self[slot].interest.map { interest in
        guard interest.session == session, interest.shard >= Self.fresh else { return interest }
        return LedgerEntry.Interest(session: session, shard: interest.shard - Self.fresh)
      }
      entries[slot]?.interest = interest
    }
    sessions[session] = future
    var actions: [CacheAction] = []
    gate = nil
    wakePrefetch(&actions)
    return actions
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

  /// Seconds until any session needs a shard, at the sessions' present pace; infinite when none will.
  func secondsUntilUse(_ entry: LedgerEntry, now: Double) -> Double {
    var soonest = Double.infinity
    for interest in entry.interest {
      guard let future = sessions[interest.session] else { continue }
      let position = future.next[interest.shard]
      guard position != SessionFuture.never else { continue }
      soonest = min(soonest, Double(position - future.position) * future.pace.seconds(now: now))
    }
    return soonest
  }

  /// When a shard is needed next, seen from `moment`: whether it is used before, and the seconds until its first use at
  /// or after.
  func use(_ entry: LedgerEntry, seenFrom moment: Moment, now: Double) -> (isBefore: Interestedness, after: Double) {
    var before = Interestedness.no
    var after = Double.infinity
    for interest in entry.interest {
      guard let future = sessions[interest.session] else { continue }
      let next = future.next[interest.shard]
      guard next != SessionFuture.never else { continue }
      let pace = future.pace.seconds(now: now)
      let target: Int
      if interest.session == moment.session {
        target = moment.position
      } else {
        let steps = (moment.seconds / pace).rounded(.up)
        target = steps < 1e15 ? future.position + Int(steps) : SessionFuture.never
      }
      // A use at the very moment counts as before it: what comes with the wanted shard must not leave for it.
      if next <= target { before = .yes(interest.session, next) }
      let position = target == SessionFuture.never ? target : future.use(of: interest.shard, from: target)
      if position != SessionFuture.never { after = min(after, Double(position - future.position) * pace) }
    }
    return (before, after)
  }

  /// Whether a session uses a shard before a moment, and at which position.
  enum Interestedness: Sendable {
    case no
    case yes(SessionID, Int)
  }
}
