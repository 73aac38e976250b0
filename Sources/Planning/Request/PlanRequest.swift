import DatasetModel

/// A stream as planning sees it: how many samples each shard holds, and how much of it an epoch draws.
public struct PlanStream: Hashable, Sendable {
  /// The stream's name, for messages and for the fingerprint.
  public var name: StreamName
  /// Samples of each shard, in index order.
  public var shardSamples: [Int]
  /// How much of the stream an epoch draws.
  public var weight: StreamWeight

  /// A stream of the given shards.
  public init(name: StreamName, shardSamples: [Int], weight: StreamWeight = .unweighted) {
    self.name = name
    self.shardSamples = shardSamples
    self.weight = weight
  }
}

/// Everything that decides an epoch's order.
public struct PlanRequest: Hashable, Sendable {
  /// The dataset's streams, in order; the order defines sample ids.
  public var streams: [PlanStream]
  /// The dataset's options, under the reference's names.
  public var options: DatasetOptions
  /// The world before replication.
  public var world: World
  /// The epoch that would come next without a checkpoint.
  public var epoch: Int
  /// A checkpoint to continue from. One of an earlier epoch than `epoch` is stale and changes nothing.
  public var resume: ResumePoint?

  /// A request for `epoch`, or for the point at which `resume` continues it.
  public init(
    streams: [PlanStream], options: DatasetOptions = DatasetOptions(), world: World, epoch: Int = 0,
    resume: ResumePoint? = nil
  ) {
    self.streams = streams
    self.options = options
    self.world = world
    self.epoch = epoch
    self.resume = resume
  }
}
