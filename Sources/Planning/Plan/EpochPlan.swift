import DatasetModel

/// An epoch's sample order for a world: which samples each rank gets, batch by batch.
///
/// Nodes and ranks are those of the planning world (`summary.planningRank(ofRank:)` leads from a real rank to it). A
/// rank consumes its device batches in order; batch t comes from worker t mod W, as that worker's batch t div W, W being
/// the workers per rank. A plan may hold only some ranks' lists (`ranks`), those that one node serves.
public struct EpochPlan: Sendable {
  /// What the plan says about its epoch.
  public let summary: PlanSummary
  let storage: RankStorage

  init(summary: PlanSummary, storage: RankStorage) {
    self.summary = summary
    self.storage = storage
  }

  /// The tensor's shape.
  public var shape: PlanShape { summary.shape }
  /// What about the plan can hurt.
  public var warnings: [PlanningWarning] { summary.warnings }
  /// Planning ranks whose order the plan holds.
  public var ranks: Range<Int> { storage.ranks }
  /// True if the plan holds every rank's order.
  public var isWhole: Bool { ranks == 0..<shape.ranks }
  /// Bytes that the lists take.
  public var bytes: Int { ranks.count * storage.length * storage.idBytes }

  /// Device batches that each rank's list holds, the last ones possibly empty for some ranks.
  public var batchesPerRank: Int { storage.length.dividedRoundingUp(by: shape.batchSize) }

  /// Device batches of a rank that hold at least one sample. They are its first ones.
  public func batchCount(ofRank rank: Int) -> Int {
    var count = batchesPerRank
    while count > 0, deviceBatch(rank: rank, batch: count - 1).isEmpty { count -= 1 }
    return count
  }

  /// Samples that a rank gets over the epoch.
  public func sampleCount(ofRank rank: Int) -> Int {
    let whole = max(0, batchCount(ofRank: rank) - 1)
    // Only the last batch can be partial, or, continued on another node count, have gaps.
    return whole * shape.batchSize + deviceBatch(rank: rank, batch: whole).count
  }

  /// The sample ids of a rank's device batch, without padding; empty past the end.
  ///
  /// - Parameters:
  ///   - rank: a planning rank among `ranks`.
  ///   - batch: the batch's number in the order in which the rank consumes them, from the resume point on.
  public func deviceBatch(rank: Int, batch: Int) -> [Int] {
    precondition(ranks.contains(rank), "the plan holds ranks \(ranks), not \(rank)")
    precondition(batch >= 0, "batches count from 0")
    let first = batch * shape.batchSize
    return storage.withIDs(rank, first..<first + shape.batchSize) { ids in
      (0..<ids.count).compactMap { ids[$0] }
    }
  }

  /// The sample ids of a worker's device batch, without padding; empty past the end.
  ///
  /// - Parameters:
  ///   - node: a node of the planning world.
  ///   - rankOfNode: a rank of that node.
  ///   - worker: a worker of that rank.
  ///   - batch: the batch's number among that worker's.
  public func deviceBatch(node: Int, rankOfNode: Int, worker: Int, batch: Int) -> [Int] {
    deviceBatch(rank: node * shape.ranksPerNode + rankOfNode, batch: batch * shape.workersPerRank + worker)
  }

  /// Calls `body` with each sample id of a rank's batches `batches`, in the order of consumption, without padding.
  public func forEachSample(ofRank rank: Int, batches: Range<Int>, _ body: (Int) -> Void) {
    precondition(ranks.contains(rank), "the plan holds ranks \(ranks), not \(rank)")
    let places = batches.lowerBound * shape.batchSize..<batches.upperBound * shape.batchSize
    storage.withIDs(rank, places) { ids in
      for place in 0..<ids.count {
        if let id = ids[place] { body(id) }
      }
    }
  }
}
