import DatasetModel

/// What a plan says about its epoch, beside the order itself.
public struct PlanSummary: Hashable, Sendable {
  /// The epoch planned.
  public let epoch: Int
  /// Where in the epoch the plan begins: samples consumed before it.
  public let sampleInEpoch: Int
  /// Nodes of the run that began the epoch; nil on a first run.
  public let initialPhysicalNodes: Int?
  /// The world as the trainers see it.
  public let world: World
  /// Consecutive real ranks that see equal data; 1 without replication.
  public let replication: Int
  /// The tensor's shape, in the planning world.
  public let shape: PlanShape
  /// Samples of the epoch before padding.
  public let epochSize: Int
  /// Samples drawn from each stream.
  public let choosePerStream: [Int]
  /// Canonical nodes in force.
  public let canonicalNodes: Int
  /// Samples of a shuffle block in force.
  public let shuffleBlockSize: Int
  /// The seed in force.
  public let shuffleSeed: Int
  /// The reference's `len(dataset)`: samples of the epoch per rank, rounded up.
  public let datasetLength: Int
  /// Distinct samples of all streams together; ids are below it.
  public let totalSamples: Int
  /// What about the plan can hurt.
  public let warnings: [PlanningWarning]

  /// Samples of a global batch.
  public var globalBatch: Int { shape.ranks * shape.batchSize }

  /// The planning rank whose data a real rank sees.
  public func planningRank(ofRank real: Int) -> Int { real / replication }

  /// The planning ranks whose data the ranks of a real node see.
  public func planningRanks(ofNode node: Int) -> Range<Int> {
    let first = node * world.ranksPerNode
    return first / replication..<(first + world.ranksPerNode - 1) / replication + 1
  }

  /// What the reference's checkpoint says after `samples` more samples of all ranks, counting this plan's own.
  public func checkpoint(after samples: Int) -> ResumePoint {
    ResumePoint(
      epoch: epoch, sampleInEpoch: sampleInEpoch + samples,
      initialPhysicalNodes: initialPhysicalNodes ?? shape.nodes, canonicalNodes: canonicalNodes,
      shuffleSeed: shuffleSeed)
  }
}

extension PlanSummary {
  /// The summary of a setup whose ranks have `batches` device batches each.
  init(_ setup: EpochSetup, batches: Int, warnings: [PlanningWarning]) {
    let workers = setup.world.workersPerRank
    self.init(
      epoch: setup.epoch, sampleInEpoch: setup.sampleInEpoch, initialPhysicalNodes: setup.initialPhysicalNodes,
      world: setup.world.real, replication: setup.world.replication,
      shape: PlanShape(
        nodes: setup.world.nodes, ranksPerNode: setup.world.ranksPerNode, workersPerRank: workers,
        batchesPerWorker: batches.dividedRoundingUp(by: workers), batchSize: setup.options.batchSize),
      epochSize: setup.epochSize, choosePerStream: setup.weights.choosePerStream,
      canonicalNodes: setup.canonicalNodes, shuffleBlockSize: setup.shuffleBlockSize,
      shuffleSeed: setup.shuffleSeed, datasetLength: setup.datasetLength, totalSamples: setup.totalSamples,
      warnings: setup.warnings + warnings)
  }
}
