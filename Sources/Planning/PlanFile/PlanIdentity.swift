import DatasetModel

/// What a kept plan is known by: equal keys, equal plans.
public struct PlanIdentity: Hashable, Sendable {
  /// The dataset's order.
  public let fingerprint: Fingerprint
  /// The world as the trainers see it.
  public let world: World
  /// Consecutive real ranks that see equal data.
  public let replication: Int
  /// Samples of a device batch.
  public let batchSize: Int
  /// The epoch planned.
  public let epoch: Int
  /// Samples of the epoch consumed before the plan begins.
  public let sampleInEpoch: Int
  /// Nodes of the run that began the epoch, where that matters; nil on a first run.
  public let initialPhysicalNodes: Int?
  /// Planning ranks whose order the plan holds.
  public let ranks: Range<Int>

  /// The key of a setup's plan.
  public init(_ setup: EpochSetup, _ fingerprint: Fingerprint, keeping part: PlanPart = .whole) {
    self.fingerprint = fingerprint
    world = setup.world.real
    replication = setup.world.replication
    batchSize = setup.options.batchSize
    epoch = setup.epoch
    sampleInEpoch = setup.sampleInEpoch
    initialPhysicalNodes = setup.initialPhysicalNodes
    switch part {
    case .whole: ranks = 0..<setup.world.ranks
    case .node(let node): ranks = setup.world.planningRanks(ofNode: node)
    }
  }

  /// The key of a plan as its file states it.
  init(_ summary: PlanSummary, _ fingerprint: Fingerprint, ranks: Range<Int>) {
    self.fingerprint = fingerprint
    world = summary.world
    replication = summary.replication
    batchSize = summary.shape.batchSize
    epoch = summary.epoch
    sampleInEpoch = summary.sampleInEpoch
    initialPhysicalNodes = summary.initialPhysicalNodes
    self.ranks = ranks
  }

  /// A file name that says which plan it is: letters, digits, `-` and `.` only. Different keys have different names.
  public var fileName: String {
    let initial = initialPhysicalNodes.map { "-i\($0)" } ?? ""
    return "\(fingerprint)-e\(epoch)-s\(sampleInEpoch)\(initial)"
      + "-w\(world.nodes)x\(world.ranksPerNode)x\(world.workersPerRank)-f\(replication)-b\(batchSize)"
      + "-r\(ranks.lowerBound)-\(ranks.upperBound).plan"
  }
}
