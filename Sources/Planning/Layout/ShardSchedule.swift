/// When some ranks need which shards: what prefetching and eviction look ahead by.
///
/// Times are batch numbers, from the plan's resume point on. To bound memory, uses are kept by steps of `granularity`
/// batches: within a step, a shard counts as used at the step's first batch.
public struct ShardSchedule: Sendable {
  /// Batches of a step.
  public let granularity: Int
  /// Shards that are used at all, in order of their first use; equals in order of rank and place.
  public let order: [Int]
  /// For each shard, where its uses begin in `uses`; and the number of all uses.
  private let starts: [Int]
  /// Steps at which shards are used, ascending for each shard.
  private let uses: [UInt32]

  /// The most uses that `init` keeps before it makes steps longer.
  public static let useLimit = 1 << 24

  /// The schedule of some of a plan's ranks.
  ///
  /// - Parameters:
  ///   - ranks: planning ranks that the plan holds; their batches of equal number count as simultaneous.
  ///   - granularity: batches of a step; nil for the finest within `useLimit`.
  public init(_ plan: EpochPlan, _ layout: DatasetLayout, ranks: Range<Int>, granularity: Int? = nil) {
    let places = plan.batchesPerRank * plan.shape.batchSize * ranks.count
    let coarseness = max(1, (granularity ?? places.dividedRoundingUp(by: Self.useLimit)))
    self.granularity = coarseness
    let steps = plan.batchesPerRank.dividedRoundingUp(by: coarseness)
    // Each shard's latest step, plus one, so that a use within the same step is counted once.
    var latest = [UInt32](repeating: 0, count: layout.shards)
    var counts = [Int](repeating: 0, count: layout.shards + 1)
    var order: [Int] = []
    func visit(_ body: (_ shard: Int, _ step: UInt32) -> Void) {
      for step in 0..<steps {
        let mark = UInt32(truncatingIfNeeded: step + 1)
        for rank in ranks {
          plan.forEachSample(ofRank: rank, batches: step * coarseness..<(step + 1) * coarseness) { sample in
            let shard = layout.shardNumber(ofSample: sample)
            if latest[shard] != mark {
              latest[shard] = mark
              body(shard, mark - 1)
            }
          }
        }
      }
    }
    visit { shard, _ in
      if counts[shard + 1] == 0 { order.append(shard) }
      counts[shard + 1] += 1
    }
    for shard in 0..<layout.shards { counts[shard + 1] += counts[shard] }
    starts = counts
    var next = counts
    var uses = [UInt32](repeating: 0, count: counts[layout.shards])
    latest = [UInt32](repeating: 0, count: layout.shards)
    visit { shard, step in
      uses[next[shard]] = step
      next[shard] += 1
    }
    self.uses = uses
    self.order = order
  }

  /// The first batch at or after `batch` that needs a shard, to the granularity; nil if none does.
  public func nextUse(ofShard shard: Int, from batch: Int) -> Int? {
    let step = batch / granularity
    var low = starts[shard]
    var high = starts[shard + 1]
    while low < high {
      let middle = low + (high - low) / 2
      if Int(uses[middle]) < step { low = middle + 1 } else { high = middle }
    }
    guard low < starts[shard + 1] else { return nil }
    return max(batch, Int(uses[low]) * granularity)
  }

  /// The step's first batch at which a shard is first used; nil if it is not.
  public func firstUse(ofShard shard: Int) -> Int? { nextUse(ofShard: shard, from: 0) }

  /// The last batch that can need a shard, to the granularity: from the batch after it, it is done with.
  public func lastUse(ofShard shard: Int) -> Int? {
    guard starts[shard] < starts[shard + 1] else { return nil }
    return (Int(uses[starts[shard + 1] - 1]) + 1) * granularity - 1
  }
}

extension EpochPlan {
  /// The shards that a rank's device batch needs, each once, in order of first use.
  public func shards(ofRank rank: Int, batch: Int, _ layout: DatasetLayout) -> [Int] {
    var shards: [Int] = []
    var seen: Set<Int> = []
    forEachSample(ofRank: rank, batches: batch..<batch + 1) { sample in
      let shard = layout.shardNumber(ofSample: sample)
      if seen.insert(shard).inserted { shards.append(shard) }
    }
    return shards
  }
}
