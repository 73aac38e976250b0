import Planning
import ShardCache

/// The epochs that the cache knows of one session: the one it is in, and the next. A value.
///
/// Positions only grow: an epoch's begin where the ones before it end, so that a change of what is announced and a step
/// of the session can come in either order.
struct Outlook: Sendable {
  /// An epoch as one rank consumes it.
  struct Part: Sendable {
    let epoch: Int
    let key: PlanIdentity
    let batches: Int
    /// The position of its first batch.
    var first = 0
    /// nil until it is worked out.
    var schedule: ShardSchedule?

    init(epoch: Int, key: PlanIdentity, batches: Int) {
      self.epoch = epoch
      self.key = key
      self.batches = batches
    }
  }

  /// The present epoch first; at most two.
  private var parts: [Part] = []
  private var hasAsked = false
  /// What is being worked out for the session.
  var work: Task<Void, Never>?

  /// The epoch that the session is in; nil before its first.
  var epoch: Int? { parts.first?.epoch }

  /// The position of that epoch's first batch.
  var first: Int { parts.first?.first ?? 0 }

  private var end: Int { parts.last.map { $0.first + $0.batches } ?? 0 }

  /// The session is in another epoch from now on. False when that was looked ahead to, and is known to the cache.
  mutating func begin(_ part: Part) -> Bool {
    hasAsked = false
    if let known = parts.firstIndex(where: { $0.key == part.key }) {
      parts.removeFirst(known)
      return parts[0].schedule == nil
    }
    var part = part
    part.first = end
    parts = [part]
    return true
  }

  /// True once for each epoch, and only for the present one: when the next is not known yet.
  mutating func asksToExtend(beyond epoch: Int) -> Bool {
    guard !hasAsked, mayExtend(beyond: epoch) else { return false }
    hasAsked = true
    return true
  }

  /// Whether the epoch after `epoch` is the one to look ahead to.
  func mayExtend(beyond epoch: Int) -> Bool { parts.count == 1 && self.epoch == epoch }

  /// Takes up the next epoch; false when the session has gone elsewhere meanwhile.
  mutating func extend(with part: Part) -> Bool {
    guard mayExtend(beyond: part.epoch - 1) else { return false }
    var part = part
    part.first = end
    parts.append(part)
    return true
  }

  /// Takes up when an epoch needs its shards; false when the session has gone past it meanwhile.
  mutating func learn(_ schedule: ShardSchedule, of key: PlanIdentity) -> Bool {
    guard let index = parts.firstIndex(where: { $0.key == key }) else { return false }
    parts[index].schedule = schedule
    return true
  }

  private var known: some Collection<Part> { parts.prefix { $0.schedule != nil } }

  /// The epochs whose needs are known.
  var knownEpochs: [Int] { known.map(\.epoch) }

  /// When each shard is needed, as far as it is known; nil while nothing is.
  var uses: ChainedUses? {
    guard let first = known.first else { return nil }
    return ChainedUses(
      known.compactMap { part in part.schedule.map { (ScheduledUses(schedule: $0), part.batches) } },
      startingAt: first.first)
  }
}

/// A plan's schedule as the cache asks it: positions are the rank's batches, shards are numbered over the dataset.
private struct ScheduledUses: NextUses {
  let schedule: ShardSchedule

  func nextUse(ofShard shard: Int, from position: Int) -> Int? { schedule.nextUse(ofShard: shard, from: position) }
}
