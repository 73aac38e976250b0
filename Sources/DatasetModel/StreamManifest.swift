/// All shards of a stream in index order. Shard order defines sample ids.
public struct StreamManifest: Hashable, Sendable {
  public let shards: ShardTable
  /// The distinct schemas of the shards; `ShardDescriptor.schema` points here.
  public let schemas: [StreamSchema]
  /// Samples over all shards.
  public let samples: Int

  /// A manifest of a packed table. The sum of its samples must fit in an `Int`, as every reader of an index checks.
  public init(shards: ShardTable, schemas: [StreamSchema]) {
    self.shards = shards
    self.schemas = schemas
    samples = shards.indices.reduce(0) { $0 + shards.samples(of: $1) }
  }

  public init(shards: [ShardDescriptor], schemas: [StreamSchema]) {
    self.init(shards: ShardTable(shards), schemas: schemas)
  }

  /// Samples of each shard, in index order: what planning needs, at 8 bytes a shard.
  public var samplesPerShard: [Int] { shards.indices.map { shards.samples(of: $0) } }
}
