import DatasetModel

/// A checked request on its way to a plan: which ranks are wanted, and how many threads may work.
struct PlanningWork: Sendable {
  let setup: EpochSetup
  /// The first sample id of each stream.
  let firstSamples: [Int]
  /// Planning ranks whose lists are wanted.
  let ranks: Range<Int>
  /// Threads to use at most; the plan does not depend on it.
  let threads: Int

  init(_ setup: EpochSetup, ranks: Range<Int>, threads: Int) {
    self.setup = setup
    self.ranks = ranks
    self.threads = max(1, threads)
    var firsts: [Int] = []
    var first = 0
    for stream in setup.streams {
      firsts.append(first)
      first += stream.shardSamples.reduce(0, +)
    }
    firstSamples = firsts
  }

  /// The samples that an epoch draws from some streams together, shuffled if the dataset shuffles.
  func order<ID: SampleNumber>(
    of streams: Range<Int>, block: Int, as: ID.Type = ID.self
  ) async throws(PlanningError) -> [ID] {
    let units = await Resampling.units(of: streams, self, as: ID.self)
    guard units.total > 0 else {
      let stream = setup.batching == .random ? nil : streams.first.map { setup.streams[$0].name.rawValue }
      throw .nothingDrawn(stream: stream, method: setup.batching.rawValue)
    }
    guard let shuffle = setup.shuffle else { return units.samples }
    return try await shuffle.order(
      ShuffleInput(
        units: units, canonicalNodes: setup.canonicalNodes, runSeed: setup.runSeed, epochSeed: setup.epochSeed,
        block: block, threads: threads))
  }

  /// Each stream's samples on its own, with its share of the shuffle block.
  ///
  /// - Parameter check: what a method refuses about a stream and the number of samples drawn from it.
  func ordersPerStream<ID: SampleNumber>(
    check: (_ stream: Int, _ samples: Int) throws(PlanningError) -> Void
  ) async throws(PlanningError) -> [[ID]] {
    for stream in setup.streams.indices {
      let samples = setup.weights.choosePerStream[stream]
      guard samples > 0 else {
        throw .nothingDrawn(stream: setup.streams[stream].name.rawValue, method: setup.batching.rawValue)
      }
      try check(stream, samples)
    }
    // The streams share no random sequence, so they are drawn and shuffled at the same time.
    var orders: [[ID]] = []
    var failure: PlanningError?
    var next = 0
    await inOrder(threads: threads) {
      defer { next += 1 }
      return next < setup.streams.count && failure == nil ? next : nil
    } run: { stream -> Result<[ID], PlanningError> in
      do throws(PlanningError) {
        return .success(try await order(of: stream..<stream + 1, block: block(of: stream)))
      } catch {
        return .failure(error)
      }
    } take: { result in
      switch result {
      case .success(let order): orders.append(order)
      case .failure(let error): failure = failure ?? error
      }
    }
    if let failure { throw failure }
    return orders
  }

  /// A stream's part of the shuffle block.
  func block(of stream: Int) -> Int {
    let portion = Double(setup.shuffleBlockSize) * setup.weights.proportions[stream]
    return Int(portion)
  }

  /// The order in which the per-stream methods take batches of the streams; `counts` are batches of each stream.
  static func origins(_ counts: [Int], _ generator: inout Generator) -> [Int32] {
    var origins: [Int32] = []
    origins.reserveCapacity(counts.reduce(0, +))
    for (stream, count) in counts.enumerated() {
      for _ in 0..<count { origins.append(Int32(truncatingIfNeeded: stream)) }
    }
    generator.shuffle(&origins)
    return origins
  }

  /// Whole global batches before the resume point; the methods other than random skip these.
  var skippedBatches: Int { setup.sampleInEpoch / setup.globalBatch }

  /// A warning if the resume point is not at a global batch.
  var roundedResume: [PlanningWarning] {
    let rest = setup.sampleInEpoch % setup.globalBatch
    if rest == 0 { return [] }
    return [
      PlanningWarning(
        .resumeRounded,
        "batching_method '\(setup.batching.rawValue)' resumes at whole global batches of \(setup.globalBatch): sample "
          + "\(setup.sampleInEpoch) continues at sample \(setup.sampleInEpoch - rest), so \(rest) samples come again "
          + "and later checkpoints of this epoch count \(rest) too many. Resume with the batch size and ranks of the "
          + "run that saved the checkpoint")
    ]
  }
}
