/// All shards of a stream in index order. Shard order defines sample ids.
public struct StreamManifest: Hashable, Sendable {
  public let shards: [ShardDescriptor]
  /// The distinct schemas of the shards; `ShardDescriptor.schema` points here.
  public let schemas: [StreamSchema]

  public init(shards: [ShardDescriptor], schemas: [StreamSchema]) {
    self.shards = shards
    self.schemas = schemas
  }

  /// Samples over all shards.
  public var samples: Int { shards.reduce(0) { $0 + $1.samples } }
}
