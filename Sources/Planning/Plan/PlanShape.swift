/// The shape of an epoch's tensor: (physical nodes, ranks per node, workers per rank, batches per worker, batch size), in
/// the planning world.
public struct PlanShape: Hashable, Sendable {
  /// Physical nodes.
  public let nodes: Int
  /// Ranks of each node.
  public let ranksPerNode: Int
  /// Loader workers of each rank.
  public let workersPerRank: Int
  /// Device batches of each worker, padding included.
  public let batchesPerWorker: Int
  /// Samples of a device batch.
  public let batchSize: Int

  /// A tensor's shape.
  public init(nodes: Int, ranksPerNode: Int, workersPerRank: Int, batchesPerWorker: Int, batchSize: Int) {
    self.nodes = nodes
    self.ranksPerNode = ranksPerNode
    self.workersPerRank = workersPerRank
    self.batchesPerWorker = batchesPerWorker
    self.batchSize = batchSize
  }

  /// The five dimensions, outermost first.
  public var dimensions: [Int] { [nodes, ranksPerNode, workersPerRank, batchesPerWorker, batchSize] }

  /// Ranks over all nodes.
  public var ranks: Int { nodes * ranksPerNode }

  /// Places of each rank, padding included.
  public var placesPerRank: Int { workersPerRank * batchesPerWorker * batchSize }

  /// Places of the whole tensor, padding included.
  public var places: Int { ranks * placesPerRank }
}
