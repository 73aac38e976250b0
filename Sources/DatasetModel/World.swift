/// The processes that consume a dataset together.
///
/// Source: the reference's environment (`WORLD_SIZE`, `LOCAL_WORLD_SIZE`, loader workers); planning.md §1.
public struct World: Hashable, Sendable {
  /// Physical nodes.
  public let nodes: Int
  /// Ranks (devices) on each node.
  public let ranksPerNode: Int
  /// DataLoader workers of each rank; 1 when the rank loads for itself.
  public let workersPerRank: Int

  public init(nodes: Int, ranksPerNode: Int, workersPerRank: Int) {
    self.nodes = nodes
    self.ranksPerNode = ranksPerNode
    self.workersPerRank = workersPerRank
  }

  /// Ranks over all nodes.
  public var ranks: Int { nodes * ranksPerNode }
}
