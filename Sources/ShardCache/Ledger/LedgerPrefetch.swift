import DatasetModel

/// Prefetching: the absent shard needed soonest, as early as that costs no download more.
///
/// Source of the rule: Cao, Felten, Karlin and Li, "A study of integrated prefetching and caching strategies" (1995),
/// the conservative strategy: make the replacements that Belady's rule would make on demand, and make each as soon as the
/// shard to be replaced has had its last use before the wanted one's. Prefetching then never costs a download that
/// fetching on demand would not.
extension CacheLedger {
  /// What has to change before it is worth asking for the next prefetch again.
  struct PrefetchGate: Sendable {
    /// The shard to be replaced is used before the wanted one, until this session has passed this position.
    var passing: (session: SessionID, position: Int)?
    /// The shard to be replaced is in use, or clients hold it open and were asked to let go.
    var copy: CopyID?
    let since: Double

    /// Other sessions' moves change the order of needs: asked again at most so often.
    static let seconds = 0.05
  }

  /// Seconds that clients have to let go of what they hold open; after that something else is replaced.
  static let recallPatience = 1.0

  /// What there is to prefetch now.
  enum PrefetchAnswer: Sendable {
    /// Started: among the actions is its download.
    case started(DownloadID)
    /// Nothing now; a `wakePrefetch` action says when to ask again, or this many seconds from now at the latest.
    case nothing(again: Double?)
  }

  /// Starts the download of the shard to prefetch next, or makes room for it.
  ///
  /// - Parameter downloads: how many prefetches may be under way at once.
  mutating func nextPrefetch(downloads limit: Int, now: Double) -> (PrefetchAnswer, [CacheAction]) {
    var actions: [CacheAction] = []
    gate = nil
    let underWay = downloads.values.reduce(0) { $0 + ($1.isPrefetch ? 1 : 0) }
    guard queue.isEmpty, underWay < limit else { return (.nothing(again: nil), actions) }
    var fullStreams: Set<StreamName> = []
    var again: Double?
    while let (moment, slot) = soonestWanted(except: fullStreams, now: now, again: &again) {
      let facts = self[slot].facts
      if facts.peakBytes <= room, facts.peakBytes <= room(of: facts.stream) {
        begin(slot, claims: [], isPrefetch: true, now: now, &actions)
        guard case .reserved(let download) = self[slot].state else { preconditionFailure("a download did not begin") }
        let shard = shardNumber(slot, moment.session)
        sessions[moment.session]?.prefetched(shard, bytes: facts.peakBytes)
        return (.started(download), actions)
      }
      let isStreamFull = facts.peakBytes > room(of: facts.stream)
      if makeRoomAhead(for: slot, at: moment, now: now, again: &again, &actions) {
        return (.nothing(again: again), actions)
      }
      guard isStreamFull else { return (.nothing(again: again), actions) }
      fullStreams.insert(facts.stream)
    }
    return (.nothing(again: again), actions)
  }

  private func shardNumber(_ slot: Int, _ session: SessionID) -> Int {
    guard let interest = self[slot].interest.first(where: { $0.session == session }) else {
      preconditionFailure("a session wanted a shard that it does not know")
    }
    return interest.shard
  }

  /// Over all sessions, the absent shard needed soonest that may be fetched now.
  private mutating func soonestWanted(
    except streams: Set<StreamName>, now: Double, again: inout Double?
  ) -> (NeedClock.Moment, Int)? {
    var best: (NeedClock.Moment, Int)?
    for session in Array(sessions.keys) {
      guard var future = sessions.removeValue(forKey: session) else { continue }
      let slots = future.slots
      let aheadRoom = limits.ahead.map { $0 - future.aheadBytes } ?? Int.max
      var soonestRetry: Double?
      let need = future.soonestWanted { shard in
        isAbsent(slots[shard])
      } accepts: { need in
        let entry = self[slots[need.shard]]
        if streams.contains(entry.facts.stream) || entry.facts.peakBytes > aheadRoom { return false }
        if entry.retryAt <= now { return true }
        soonestRetry = min(soonestRetry ?? .infinity, entry.retryAt - now)
        return false
      }
      sessions[session] = future
      if let soonestRetry { again = min(again ?? .infinity, soonestRetry) }
      guard let need else { continue }
      let seconds = Double(need.position - future.position) * future.pace.seconds(now: now)
      if seconds < best?.0.seconds ?? .infinity {
        best = (NeedClock.Moment(session: session, position: need.position, seconds: seconds), slots[need.shard])
      }
    }
    return best
  }

  /// Evicts for a shard that is needed at `moment`, if the rule allows it yet; answers whether room is on its way.
  private mutating func makeRoomAhead(
    for slot: Int, at moment: NeedClock.Moment, now: Double, again: inout Double?, _ actions: inout [CacheAction]
  ) -> Bool {
    let facts = self[slot].facts
    var chosen: [CopyID] = []
    var candidates: [Candidate]?
    for stream in [facts.stream, nil] {
      let free = stream.map { room(of: $0) } ?? room
      guard free < facts.peakBytes else { continue }
      let chosenBytes = chosen.reduce(0) { $0 + (copies[$1]?.bytes ?? 0) }
      var missing = facts.peakBytes - free - leaving(stream) - chosenBytes
      guard missing > 0 else { continue }
      let known = candidates ?? self.candidates(at: moment, now: now)
      candidates = known
      for candidate in known where stream == nil || candidate.stream == stream {
        guard missing > 0 else { break }
        if let copy = candidate.copy, chosen.contains(copy) { continue }
        guard let copy = candidate.copy, candidate.isFree else {
          if let copy = candidate.copy, candidate.isHeld, candidate.passing == nil {
            recall(copy, now: now, &actions)
            again = min(again ?? .infinity, Self.recallPatience)
          }
          gate = PrefetchGate(passing: candidate.passing, copy: candidate.copy, since: now)
          return false
        }
        chosen.append(copy)
        missing -= candidate.bytes
      }
      guard missing <= 0 else {
        gate = PrefetchGate(since: now)
        return false
      }
    }
    for copy in chosen {
      if let slot = copies[copy]?.slot { leaves(slot) }
      evict(copy, &actions)
    }
    if !chosen.isEmpty, heldBytes > 0 { actions.append(.recall) }
    return true
  }

  /// What Belady's rule would choose from at a moment to come.
  private struct Candidate {
    /// nil for a download under way, which will be there by then.
    let copy: CopyID?
    let stream: StreamName
    let bytes: Int
    /// Seconds until the first use at or after the moment.
    let after: Double
    /// The use before the moment that it has to wait for.
    let passing: (session: SessionID, position: Int)?
    let isLeased: Bool
    let isHeld: Bool
    let lastUse: Int

    var isFree: Bool { copy != nil && passing == nil && !isLeased && !isHeld }
  }

  /// Copies and downloads, the one needed last after `moment` first; pins are left out, and what clients hold open and
  /// do not let go of.
  private func candidates(at moment: NeedClock.Moment, now: Double) -> [Candidate] {
    let clock = needClock(now: now)
    var found: [Candidate] = []
    func consider(
      _ copy: CopyID?, _ slot: Int, _ stream: StreamName, _ bytes: Int, isLeased: Bool, isHeld: Bool
    ) {
      guard entries[slot]?.isPinned == false, let interest = entries[slot]?.interest else { return }
      let use = clock.use(interest, seenFrom: moment)
      found.append(
        Candidate(
          copy: copy, stream: stream, bytes: bytes, after: use.after, passing: use.before, isLeased: isLeased,
          isHeld: isHeld, lastUse: entries[slot]?.lastUse ?? 0))
    }
    for (id, copy) in copies where copy.phase == .committed {
      if copy.holders > 0, let recalledAt = copy.recalledAt, now - recalledAt >= Self.recallPatience { continue }
      consider(
        id, copy.slot, copy.stream, copy.bytes, isLeased: copy.leases > 0, isHeld: copy.holders > 0)
    }
    for download in downloads.values {
      consider(nil, download.slot, download.stream, download.bytes, isLeased: false, isHeld: false)
    }
    return found.sorted { left, right in
      if left.after != right.after { return left.after > right.after }
      if left.isFree != right.isFree { return left.isFree }
      return left.lastUse < right.lastUse
    }
  }

  mutating func wakePrefetch(_ actions: inout [CacheAction]) {
    gate = nil
    if !sessions.isEmpty { actions.append(.wakePrefetch) }
  }

  mutating func wakePrefetch(released copy: CopyID, _ actions: inout [CacheAction]) {
    guard let gate, gate.copy == copy || (gate.copy == nil && gate.passing == nil) else { return }
    wakePrefetch(&actions)
  }

  mutating func wakePrefetch(moved session: SessionID, to position: Int, now: Double, _ actions: inout [CacheAction]) {
    if let gate, now - gate.since < PrefetchGate.seconds {
      guard let passing = gate.passing, passing.session == session, passing.position < position else { return }
    }
    wakePrefetch(&actions)
  }
}
