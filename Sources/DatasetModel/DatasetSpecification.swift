/// How much of a stream an epoch draws. At most one of the three may be given; planning.md §3.
public enum StreamWeight: Hashable, Sendable {
  /// Every sample once (or by size when `epoch_size` is given).
  case unweighted
  /// Share of the epoch, relative to the other streams' proportions.
  case proportion(Double)
  /// Times the stream's size.
  case repeated(Double)
  /// Number of samples.
  case choose(Int)
}

/// One stream's part in a dataset.
public struct StreamShare: Hashable, Sendable {
  public let stream: StreamName
  public let weight: StreamWeight

  public init(stream: StreamName, weight: StreamWeight = .unweighted) {
    self.stream = stream
    self.weight = weight
  }
}

/// The options that fix a dataset's sample order, under the reference's meanings and with its defaults.
///
/// Algorithm names are kept as given; Planning knows which exist.
public struct DatasetOptions: Hashable, Sendable {
  /// Samples of an epoch; nil (or 0, as the reference has it) when it follows from the streams.
  public var epochSize: Int?
  /// Samples of a device batch. The reference's default of 1 when none is given.
  public var batchSize = 1
  public var shuffle = false
  /// `py1e`, `py1br`, `py1s`, `py2s`, `naive` or `none`.
  public var shuffleAlgorithm = "py1e"
  public var shuffleSeed = 9176
  /// Samples; nil for the reference's default, max(4,000,000 / canonical nodes, 2¹⁸).
  public var shuffleBlockSize: Int?
  /// `balanced` or `fixed`.
  public var samplingMethod = "balanced"
  public var samplingGranularity = 1
  /// `relaxed` or `orig`.
  public var partitionAlgorithm = "relaxed"
  /// `random`, `stratified`, `per_stream` or `device_per_stream`.
  public var batchingMethod = "random"
  /// nil (or 0) for the reference's default.
  public var canonicalNodes: Int?
  /// Consecutive ranks that see the same data; nil for none.
  public var replication: Int?

  public init() {}
}

/// A dataset: streams, and how to mix and batch them.
public struct DatasetSpecification: Hashable, Sendable {
  public var streams: [StreamShare]
  public var options: DatasetOptions
  /// Samples to prepare ahead of each rank; nil lets prefetching fill the cache limit.
  public var predownload: Int?

  public init(streams: [StreamShare], options: DatasetOptions = DatasetOptions(), predownload: Int? = nil) {
    self.streams = streams
    self.options = options
    self.predownload = predownload
  }
}

/// Where in its epochs a dataset continues: the reference's checkpoint (planning.md §10).
public struct ResumePoint: Hashable, Sendable {
  public var epoch: Int
  /// Samples of the epoch already consumed by all ranks together.
  public var sampleInEpoch: Int
  /// Node count of the run that began the epoch; nil on a first run.
  public var initialPhysicalNodes: Int?
  public var canonicalNodes: Int?
  public var shuffleSeed: Int?

  public init(
    epoch: Int, sampleInEpoch: Int = 0, initialPhysicalNodes: Int? = nil, canonicalNodes: Int? = nil,
    shuffleSeed: Int? = nil
  ) {
    self.epoch = epoch
    self.sampleInEpoch = sampleInEpoch
    self.initialPhysicalNodes = initialPhysicalNodes
    self.canonicalNodes = canonicalNodes
    self.shuffleSeed = shuffleSeed
  }
}
