/// Every session's future laid out for one look at many shards: choosing who leaves asks it once for each copy.
struct NeedClock: Sendable {
  struct Session: Sendable {
    let id: SessionID
    let uses: any NextUses
    let position: Int
    /// Seconds for one position.
    let pace: Double
    let next: [Int]
  }

  /// By seat.
  private var sessions: [Session?]

  init(_ futures: some Collection<(key: SessionID, value: SessionFuture)>, now: Double) {
    sessions = Array(repeating: nil, count: (futures.map(\.value.seat).max() ?? -1) + 1)
    for (id, future) in futures {
      sessions[future.seat] = Session(
        id: id, uses: future.uses, position: future.position, pace: future.pace.seconds(now: now), next: future.next)
    }
  }

  /// Seconds until any session needs a shard; infinite when none will.
  func secondsUntilUse(_ interest: [LedgerEntry.Interest]) -> Double {
    var soonest = Double.infinity
    for one in interest where one.seat < sessions.count {
      guard let session = sessions[one.seat] else { continue }
      let next = session.next[one.shard]
      if next != SessionFuture.never { soonest = min(soonest, Double(next - session.position) * session.pace) }
    }
    return soonest
  }

  /// A moment to come: as a session's position, and in seconds from now.
  struct Moment: Sendable {
    let session: SessionID
    let position: Int
    let seconds: Double
  }

  /// When a shard is needed, seen from a moment to come.
  struct Use: Sendable {
    /// Who uses it before, and at which position.
    var before: (session: SessionID, position: Int)?
    /// Seconds until its first use at or after the moment; infinite when there is none.
    var after = Double.infinity
  }

  func use(_ interest: [LedgerEntry.Interest], seenFrom moment: Moment) -> Use {
    var use = Use()
    for one in interest where one.seat < sessions.count {
      guard let session = sessions[one.seat] else { continue }
      let next = session.next[one.shard]
      guard next != SessionFuture.never else { continue }
      var target = moment.position
      if session.id != moment.session {
        let steps = (moment.seconds / session.pace).rounded(.up)
        target = steps < 1e15 ? session.position + Int(steps) : SessionFuture.never
      }
      // A use at the very moment counts as before it: what comes with the wanted shard must not leave for it.
      if next <= target { use.before = (session.id, next) }
      var position = next
      if position < target {
        position =
          target == SessionFuture.never
          ? target : session.uses.nextUse(ofShard: one.shard, from: target) ?? SessionFuture.never
      }
      guard position != SessionFuture.never else { continue }
      use.after = min(use.after, Double(position - session.position) * session.pace)
    }
    return use
  }
}
