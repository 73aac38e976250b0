import DatasetModel

/// A request checked and completed: everything an order follows from, before the order is made. Cheap to compute.
public struct EpochSetup: Hashable, Sendable {
  /// The streams as requested.
  public let streams: [PlanStream]
  /// The options as requested.
  public let options: DatasetOptions
  /// The world to plan for.
  public let world: PlanningWorld
  /// The epoch, after the checkpoint was applied.
  public let epoch: Int
  /// Samples of the epoch already consumed; 0 unless resuming.
  public let sampleInEpoch: Int
  /// Nodes of the run that began the epoch; nil on a first run.
  public let initialPhysicalNodes: Int?
  /// The seed, after the checkpoint was applied.
  public let shuffleSeed: Int
  /// Canonical nodes, after the checkpoint and the defaults were applied.
  public let canonicalNodes: Int
  /// Samples of a shuffle block, with its default.
  public let shuffleBlockSize: Int
  /// What each stream contributes.
  public let weights: EpochWeights
  /// Distinct samples of all streams together.
  public let totalSamples: Int
  /// How batches are made.
  public let batching: BatchingMethod
  /// The shuffle; nil when shuffling is off.
  public let shuffle: ShuffleAlgorithm?
  /// How partial shards are chosen.
  public let sampling: SamplingMethod
  /// How samples are spread over nodes.
  public let partition: PartitionAlgorithm
  /// What the request does that can hurt, as far as known before the order is made.
  public private(set) var warnings: [PlanningWarning]

  /// Samples of the epoch over all ranks, before padding.
  public var epochSize: Int { weights.total }
  /// The reference's `len(dataset)`: samples of the epoch per rank, rounded up.
  public var datasetLength: Int { epochSize.dividedRoundingUp(by: world.ranks) }
  /// Samples of a global batch.
  public var globalBatch: Int { world.ranks * options.batchSize }

  /// Checks a request and completes it with the reference's defaults; planning.md §§1–4 and 10.
  ///
  /// - Throws: `PlanningError` for whatever the reference refuses before it makes an order.
  public init(_ request: PlanRequest) throws(PlanningError) {
    let options = request.options
    try OptionRules.check(request)
    streams = request.streams
    self.options = options
    world = try PlanningWorld(request.world, replication: options.replication)
    let batch = world.ranks.multipliedReportingOverflow(by: options.batchSize)
    guard !batch.overflow, batch.partialValue <= PlanningLimits.batchSamples else {
      throw .beyondLimit(
        what: "global batch of \(world.ranks) ranks", value: "batch_size \(options.batchSize)",
        limit: PlanningLimits.batchSamples)
    }
    sampling = try SamplingMethod(named: options.samplingMethod)
    partition = try PartitionAlgorithm(named: options.partitionAlgorithm)
    batching = try BatchingMethod(named: options.batchingMethod)
    var warnings: [PlanningWarning] = []
    shuffle = try OptionRules.shuffle(options, warnings: &warnings)

    // The dataset's own seed settles the weights; a checkpoint's seed only the epoch's order.
    weights = try EpochWeights(request.streams, epochSize: options.epochSize ?? 0, seed: UInt64(options.shuffleSeed))
    totalSamples = request.streams.reduce(0) { $0 + $1.shardSamples.reduce(0, +) }

    let point = AppliedCheckpoint(request, warnings: &warnings)
    epoch = point.epoch
    sampleInEpoch = point.sampleInEpoch
    initialPhysicalNodes = point.initialPhysicalNodes
    shuffleSeed = point.shuffleSeed
    let perNode = ["py1s", "py2s"].contains(options.shuffleAlgorithm) ? 64 : 1
    let canonical = point.canonicalNodes ?? 0
    canonicalNodes = canonical == 0 ? perNode * world.nodes : canonical
    shuffleBlockSize = options.shuffleBlockSize ?? max(4_000_000 / canonicalNodes, 1 << 18)
    if world.nodes < request.world.nodes {
      warnings.append(
        PlanningWarning(
          .nodesMerged,
          "replication \(world.replication) makes \(request.world.nodes) nodes plan as \(world.nodes): ranks of "
            + "different nodes read the same shards, and num_canonical_nodes defaults to \(perNode * world.nodes). "
            + "Set num_canonical_nodes yourself if the run began without replication"))
    }
    self.warnings = warnings
    self.warnings += SetupWarnings.quotas(self) + SetupWarnings.blocks(self)
  }

  /// True when each epoch shuffles and resamples anew, false when every epoch repeats the first choice.
  var changesSeed: Bool { shuffle != nil && sampling == .balanced }

  /// The seed of the generators that are the same in every epoch.
  var runSeed: UInt64 { UInt64(shuffleSeed) }

  /// The seed of the generators that differ from epoch to epoch.
  var epochSeed: UInt64 { UInt64(shuffleSeed) + UInt64(epoch) }

  /// The seed of whatever is chosen anew only when `changesSeed`: shard quotas, and the order of batch origins.
  var choiceSeed: UInt64 { changesSeed ? epochSeed : runSeed }
}

/// The checkpoint's part in an epoch; planning.md §10.
private struct AppliedCheckpoint {
  var epoch: Int
  var sampleInEpoch = 0
  var initialPhysicalNodes: Int?
  var shuffleSeed: Int
  var canonicalNodes: Int?

  init(_ request: PlanRequest, warnings: inout [PlanningWarning]) {
    let options = request.options
    epoch = request.epoch
    shuffleSeed = options.shuffleSeed
    canonicalNodes = options.canonicalNodes
    guard let resume = request.resume else { return }
    if resume.epoch < request.epoch {
      warnings.append(
        PlanningWarning(
          .staleCheckpoint,
          "the checkpoint is of epoch \(resume.epoch), and epoch \(request.epoch) has already begun: it is ignored. "
            + "Load a checkpoint before the first epoch of a run begins"))
      return
    }
    epoch = resume.epoch
    sampleInEpoch = resume.sampleInEpoch
    initialPhysicalNodes = resume.initialPhysicalNodes
    if let nodes = resume.canonicalNodes, nodes != 0 {
      if let configured = canonicalNodes, configured != 0, configured != nodes {
        warnings.append(Self.overridden("num_canonical_nodes", configured, nodes))
      }
      canonicalNodes = nodes
    }
    if let seed = resume.shuffleSeed {
      if seed != shuffleSeed { warnings.append(Self.overridden("shuffle_seed", shuffleSeed, seed)) }
      shuffleSeed = seed
    }
  }

  private static func overridden(_ option: String, _ configured: Int, _ saved: Int) -> PlanningWarning {
    PlanningWarning(
      .checkpointOverrides,
      "the checkpoint's \(option) \(saved) replaces the dataset's \(configured) for this epoch; later epochs may "
        + "use \(configured) again. Set the dataset's \(option) to \(saved) to continue as the run began")
  }
}
