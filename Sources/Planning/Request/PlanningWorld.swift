import DatasetModel

/// The world that an order is planned for: the real one, less its replicas. planning.md §1.
public struct PlanningWorld: Hashable, Sendable {
  /// The world as the trainers see it.
  public let real: World
  /// Consecutive real ranks that see equal data; 1 without replication.
  public let replication: Int
  /// Physical nodes of the planning world.
  public let nodes: Int
  /// Ranks per node of the planning world.
  public let ranksPerNode: Int

  /// The planning world of `real` under a replication factor.
  ///
  /// - Throws: `PlanningError.invalid` for a world without ranks or a factor that does not divide it,
  ///   `PlanningError.beyondLimit` for one too large.
  public init(_ real: World, replication: Int? = nil) throws(PlanningError) {
    let parts = [
      ("nodes", real.nodes), ("ranks_per_node", real.ranksPerNode), ("workers_per_rank", real.workersPerRank),
    ]
    for (name, value) in parts {
      guard value >= 1 else { throw .invalid(option: name, value: "\(value)", allowed: "at least 1") }
      guard value <= PlanningLimits.ranks else {
        throw .beyondLimit(what: name, value: "\(value)", limit: PlanningLimits.ranks)
      }
    }
    guard real.ranks <= PlanningLimits.ranks else {
      throw .beyondLimit(what: "ranks of the world", value: "\(real.ranks)", limit: PlanningLimits.ranks)
    }
    let factor = replication ?? 1
    guard factor >= 1, real.ranks % factor == 0 else {
      throw .invalid(
        option: "replication", value: "\(factor)", allowed: "a positive divisor of the world's \(real.ranks) ranks")
    }
    self.real = real
    self.replication = factor
    let ranks = real.ranks / factor
    nodes = ranks % real.ranksPerNode == 0 ? ranks / real.ranksPerNode : 1
    ranksPerNode = ranks / nodes
  }

  /// Workers of a rank, the same in both worlds.
  public var workersPerRank: Int { real.workersPerRank }

  /// Ranks of the planning world.
  public var ranks: Int { nodes * ranksPerNode }

  /// The planning rank whose data a real rank sees.
  public func planningRank(ofRank real: Int) -> Int { real / replication }

  /// The planning ranks whose data the ranks of a real node see.
  public func planningRanks(ofNode node: Int) -> Range<Int> {
    let first = node * real.ranksPerNode
    let last = first + real.ranksPerNode - 1
    return first / replication..<last / replication + 1
  }
}
