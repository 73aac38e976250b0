import DatasetModel

/// What the reference refuses when a dataset is constructed, and the limits of this planner; planning.md §2.
enum OptionRules {
  static func check(_ request: PlanRequest) throws(PlanningError) {
    let options = request.options
    guard !request.streams.isEmpty else { throw .noStreams }
    guard request.streams.count <= PlanningLimits.streams else {
      throw .beyondLimit(what: "streams", value: "\(request.streams.count)", limit: PlanningLimits.streams)
    }
    var total = 0
    for stream in request.streams { total = try checked(stream, after: total) }
    try inRange("batch_size", options.batchSize, from: 1, to: PlanningLimits.batchSamples)
    try inRange("sampling_granularity", options.samplingGranularity, from: 1, to: Int.max)
    try inRange("epoch_size", options.epochSize ?? 0, from: 0, to: PlanningLimits.samples)
    try inRange("shuffle_seed", options.shuffleSeed, from: 0, to: Int.max)
    try inRange("shuffle_block_size", options.shuffleBlockSize ?? 0, from: 0, to: PlanningLimits.shuffleBlockSize)
    try inRange("num_canonical_nodes", options.canonicalNodes ?? 0, from: 0, to: PlanningLimits.canonicalNodes)
    try inRange("epoch", request.epoch, from: 0, to: PlanningLimits.epoch)
    guard let resume = request.resume else { return }
    // An epoch of −1 is what a checkpoint says that was taken before any iteration: stale wherever it is loaded.
    try inRange("checkpoint epoch", resume.epoch, from: -1, to: PlanningLimits.epoch)
    try inRange("sample_in_epoch", resume.sampleInEpoch, from: 0, to: Int.max)
    try inRange(
      "checkpoint num_canonical_nodes", resume.canonicalNodes ?? 0, from: 0, to: PlanningLimits.canonicalNodes)
    try inRange("checkpoint shuffle_seed", resume.shuffleSeed ?? 0, from: 0, to: Int.max)
    try inRange("initial_physical_nodes", resume.initialPhysicalNodes ?? 1, from: 1, to: PlanningLimits.ranks)
  }

  /// The shuffle in force: nil when shuffling is off or the algorithm is `none`.
  ///
  /// The reference notices an unknown `shuffle_algo` only when it shuffles; so do we, but with a warning.
  static func shuffle(
    _ options: DatasetOptions, warnings: inout [PlanningWarning]
  ) throws(PlanningError) -> ShuffleAlgorithm? {
    if options.shuffle {
      let algorithm = try ShuffleAlgorithm(named: options.shuffleAlgorithm)
      return algorithm == .none ? nil : algorithm
    }
    if ShuffleAlgorithm(rawValue: options.shuffleAlgorithm) == nil {
      let error = PlanningError.unknownName(
        option: ShuffleAlgorithm.option, value: options.shuffleAlgorithm,
        known: ShuffleAlgorithm.allCases.map(\.rawValue))
      warnings.append(PlanningWarning(.unusedOption, "\(error) It has no effect while shuffle is off"))
    }
    return nil
  }

  /// Checks a stream's shards and weight, and adds its samples to `before`.
  private static func checked(_ stream: PlanStream, after before: Int) throws(PlanningError) -> Int {
    var samples = 0
    for count in stream.shardSamples {
      guard count >= 0 else {
        throw .invalid(option: "samples of a shard of stream '\(stream.name)'", value: "\(count)", allowed: "0 or more")
      }
      // Each step is bounded, so that the sum cannot overflow.
      samples += min(count, PlanningLimits.samples)
      guard before + samples <= PlanningLimits.samples else {
        throw .beyondLimit(what: "samples of all streams", value: "\(before + samples)", limit: PlanningLimits.samples)
      }
    }
    guard samples > 0 else { throw .emptyStream(stream.name.rawValue) }
    switch stream.weight {
    case .unweighted: break
    case .proportion(let value): try finite("proportion of stream '\(stream.name)'", value)
    case .repeated(let value): try finite("repeat of stream '\(stream.name)'", value)
    case .choose(let count):
      try inRange("choose of stream '\(stream.name)'", count, from: 0, to: PlanningLimits.samples)
    }
    return before + samples
  }

  private static func finite(_ option: String, _ value: Double) throws(PlanningError) {
    guard value >= 0, value.isFinite else {
      throw .invalid(option: option, value: "\(value)", allowed: "a finite number, 0 or more")
    }
  }

  private static func inRange(_ option: String, _ value: Int, from low: Int, to high: Int) throws(PlanningError) {
    guard value >= low else { throw .invalid(option: option, value: "\(value)", allowed: "at least \(low)") }
    guard value <= high else { throw .beyondLimit(what: option, value: "\(value)", limit: high) }
  }
}

extension Int {
  /// The quotient rounded up, for a non-negative dividend.
  func dividedRoundingUp(by divisor: Int) -> Int { (self + divisor - 1) / divisor }
}
