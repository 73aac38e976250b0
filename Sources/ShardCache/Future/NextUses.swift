/// When a session will need which of its shards: what eviction and prefetching look ahead by.
///
/// Positions are the session's own count, such as batches; shards are numbered as in the list that the session announces
/// with it. A pure value: it is asked under a lock, and often.
public protocol NextUses: Sendable {
  /// The first position at or after `position` that needs `shard`; nil if none does.
  func nextUse(ofShard shard: Int, from position: Int) -> Int?
}

/// Uses written out for each shard: 4 bytes a use.
public struct ListedUses: NextUses, Sendable {
  private let starts: [Int]
  private let uses: [UInt32]

  /// - Parameters:
  ///   - positions: for each position, from 0 on, the shards that it needs.
  ///   - shards: number of shards.
  public init(positions: [[Int]], shards: Int) {
    var counts = [Int](repeating: 0, count: shards + 1)
    for needed in positions { for shard in needed { counts[shard + 1] += 1 } }
    for shard in 0..<shards { counts[shard + 1] += counts[shard] }
    var next = counts
    var uses = [UInt32](repeating: 0, count: counts[shards])
    for (position, needed) in positions.enumerated() {
      for shard in needed {
        uses[next[shard]] = UInt32(position)
        next[shard] += 1
      }
    }
    starts = counts
    self.uses = uses
  }

  public func nextUse(ofShard shard: Int, from position: Int) -> Int? {
    var low = starts[shard]
    var high = starts[shard + 1]
    while low < high {
      let middle = low + (high - low) / 2
      if Int(uses[middle]) < position { low = middle + 1 } else { high = middle }
    }
    return low < starts[shard + 1] ? Int(uses[low]) : nil
  }
}

/// Each shard needed once, in order: what warming a node announces.
struct OnceInOrder: NextUses {
  func nextUse(ofShard shard: Int, from position: Int) -> Int? { shard >= position ? shard : nil }
}

/// Several futures one after another, as of an epoch and the next: positions go on counting where the former ends.
public struct ChainedUses: NextUses {
  private let parts: [(first: Int, uses: any NextUses)]

  /// - Parameters:
  ///   - parts: each with the number of its positions; the last one's does not matter.
  ///   - start: the position that the first part begins at, so that a session can go on counting from epoch to epoch.
  public init(_ parts: [(uses: any NextUses, positions: Int)], startingAt start: Int = 0) {
    var first = start
    var placed: [(first: Int, uses: any NextUses)] = []
    for part in parts {
      placed.append((first, part.uses))
      first += part.positions
    }
    self.parts = placed
  }

  public func nextUse(ofShard shard: Int, from position: Int) -> Int? {
    for (number, part) in parts.enumerated() {
      if number + 1 < parts.count, parts[number + 1].first <= position { continue }
      if let use = part.uses.nextUse(ofShard: shard, from: max(0, position - part.first)) { return part.first + use }
    }
    return nil
  }
}
