import HeapModule

/// A shard of a session's and the position of its next use, ordered by the position.
struct Need: Comparable, Sendable {
  let position: Int
  let shard: Int

  static func < (left: Need, right: Need) -> Bool {
    left.position == right.position ? left.shard < right.shard : left.position < right.position
  }
}

/// Everything the ledger knows of one session's future. A value; `slots` say which of the ledger's entries its shards are.
struct SessionFuture: Sendable {
  /// No use any more.
  static let never = Int.max
  /// How many shards that may not be fetched now are passed over to find one that may.
  static let passedOver = 256
  /// Positions that pass until a client that asks some batches ahead has let go of what it was told to.
  static let letGoTime = 32.0

  let uses: any NextUses
  private(set) var position: Int
  /// For each shard, its next use at or after `position`.
  private(set) var next: [Int]
  var slots: [Int] = []
  /// Small, and no other session's.
  var seat = 0
  var bounds: AheadBounds
  var pace: Pace
  /// Prefetched for this session and not yet reached, by shard.
  private(set) var ahead: [Int: Int] = [:]
  private(set) var aheadBytes = 0
  /// In how many positions what had to leave of late is needed again; infinite while nothing did that is.
  private(set) var leavingDistance = Double.infinity
  /// Whether all that the session needs had room, when it was announced, without anything leaving.
  var isWholeThere = true
  /// Every shard that has a next use. Entries of uses already passed are replaced in `advance`.
  private var due: Heap<Need>
  /// Absent shards by next use, and others that `soonestWanted` drops when it comes upon them.
  private var wanted: Heap<Need>

  /// Walks over all shards, so make it outside of any lock.
  ///
  /// - Parameter excluded: shards that nothing has to be done about, since they are read in place.
  init(
    uses: any NextUses, shards: Int, excluded: Set<Int> = [], position: Int, bounds: AheadBounds, pace: Pace
  ) {
    self.uses = uses
    self.position = position
    self.bounds = bounds
    self.pace = pace
    next = (0..<shards).map { shard in
      excluded.contains(shard) ? Self.never : uses.nextUse(ofShard: shard, from: position) ?? Self.never
    }
    let needs = next.enumerated().filter { $0.element != Self.never }.map {
      Need(position: $0.element, shard: $0.offset)
    }
    due = Heap(needs)
    wanted = due
  }

  /// The session has used everything before `target`. Positions never go back; a new future is announced for that.
  mutating func advance(to target: Int, now: Double, isAbsent: (Int) -> Bool) {
    guard target > position else { return }
    pace.moved(by: target - position, now: now)
    position = target
    while let first = due.min, first.position < target {
      due.removeMin()
      reached(first.shard)
      guard let use = uses.nextUse(ofShard: first.shard, from: target) else {
        next[first.shard] = Self.never
        continue
      }
      next[first.shard] = use
      due.insert(Need(position: use, shard: first.shard))
      if isAbsent(first.shard) { wanted.insert(Need(position: use, shard: first.shard)) }
    }
  }

  /// A shard of the session's is no longer in the cache.
  mutating func becameAbsent(_ shard: Int) {
    reached(shard)
    if next[shard] != Self.never { wanted.insert(Need(position: next[shard], shard: shard)) }
  }

  /// A shard of the session's has to leave for others.
  mutating func lost(_ shard: Int) {
    guard next[shard] != Self.never else { return }
    // The nearest of late; it grows slowly, so that one far need among near ones does not count.
    leavingDistance = min(Double(next[shard] - position), leavingDistance * 1.1)
  }

  /// Whether a client may begin to hold a shard open: nothing has to leave for this session, or this one not soon. None
  /// may when what left was needed again so soon that a client would be told to let go too late.
  func mayHold(_ shard: Int) -> Bool {
    leavingDistance.isFinite ? leavingDistance >= Self.letGoTime && !mayLose(shard) : isWholeThere
  }

  /// Whether the session needs a shard, after the present position, no sooner than others that had to leave.
  func mayLose(_ shard: Int) -> Bool {
    guard leavingDistance.isFinite else { return false }
    let use = use(of: shard, from: position + 1)
    return use == Self.never || Double(use - position) >= leavingDistance
  }

  /// What the session has learned by itself and not from its plans, taken over from what it announced before.
  mutating func takeOver(_ former: SessionFuture) {
    pace = former.pace
    seat = former.seat
    leavingDistance = former.leavingDistance
  }

  /// Counts a shard as prefetched for this session.
  mutating func prefetched(_ shard: Int, bytes: Int) {
    reached(shard)
    ahead[shard] = bytes
    aheadBytes += bytes
  }

  private mutating func reached(_ shard: Int) {
    if let bytes = ahead.removeValue(forKey: shard) { aheadBytes -= bytes }
  }

  /// The first use of `shard` at or after `from`, which is not before the present position.
  func use(of shard: Int, from: Int) -> Int {
    next[shard] >= from ? next[shard] : uses.nextUse(ofShard: shard, from: from) ?? Self.never
  }

  /// The absent shard needed soonest that `accepts` takes, within the bound of positions.
  mutating func soonestWanted(isAbsent: (Int) -> Bool, accepts: (Need) -> Bool) -> Need? {
    var refused: [Need] = []
    defer { for need in refused { wanted.insert(need) } }
    while let first = wanted.min {
      guard isAbsent(first.shard), next[first.shard] == first.position else {
        wanted.removeMin()
        continue
      }
      if let bound = bounds.positions, first.position - position >= bound { return nil }
      if accepts(first) { return first }
      guard refused.count < Self.passedOver else { return nil }
      wanted.removeMin()
      refused.append(first)
    }
    return nil
  }
}
