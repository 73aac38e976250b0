import DatasetModel
import Testing

@testable import Planning

/// The reference's habits, each as planning.md §12 states it, and the warnings about those that hurt.
struct QuirksTests {
  private func request(
    _ shards: [[Int]], weights: [StreamWeight]? = nil,
    world: World = World(nodes: 1, ranksPerNode: 1, workersPerRank: 1),
    _ change: (inout DatasetOptions) -> Void = { _ in }
  ) -> PlanRequest {
    var options = DatasetOptions()
    change(&options)
    let streams = shards.enumerated().map { index, samples in
      PlanStream(name: StreamName("\(index)"), shardSamples: samples, weight: weights?[index] ?? .unweighted)
    }
    return PlanRequest(streams: streams, options: options, world: world)
  }

  private func ranks(_ request: PlanRequest) async throws -> [[Int]] { try await makePlan(request).delivered }

  private func refusal(_ request: PlanRequest) async -> PlanningError? {
    if case .failure(let error) = await outcome(request) { error } else { nil }
  }

  @Test func q1PartialShardsChangeEveryEpochWhenBalanced() async throws {
    var halves = request([[6, 6]], weights: [.repeated(0.5)])
    #expect(try await ranks(halves) == [[3, 4, 5, 6, 8, 11]])
    halves.epoch = 1
    #expect(try await ranks(halves) == [[1, 3, 4, 6, 8, 11]])
    halves.options.samplingMethod = "fixed"
    #expect(try await ranks(halves) == [[3, 4, 5, 6, 8, 11]])
  }

  @Test(arguments: [(0, [3, 3, 4]), (1, [3, 4, 3])])
  func q2RemaindersGoToRandomStreams(seed: Int, expected: [Int]) throws {
    let thirds = request([[9], [9], [9]], weights: Array(repeating: .proportion(1), count: 3)) {
      $0.epochSize = 10
      $0.shuffleSeed = seed
    }
    #expect(try EpochSetup(thirds).weights.choosePerStream == expected)
  }

  @Test(arguments: [(0.7, 8, 5), (0.29, 100, 28)])
  func q4RepeatTruncatesInFloatingPoint(times: Double, size: Int, expected: Int) throws {
    #expect(try EpochSetup(request([[size]], weights: [.repeated(times)])).epochSize == expected)
  }

  @Test func q6NothingDrawnWorksInRandomOnly() async throws {
    let some = request([[4], [4]], weights: [.choose(0), .choose(4)])
    #expect(try await ranks(some) == [[4, 5, 6, 7]])
    for method in ["stratified", "per_stream", "device_per_stream"] {
      var other = some
      other.options.batchingMethod = method
      #expect(await refusal(other) == .nothingDrawn(stream: "0", method: method))
    }
    let none = request([[4]], weights: [.choose(0)])
    #expect(await refusal(none) == .nothingDrawn(stream: nil, method: "random"))
  }

  @Test func q7AndQ8StreamsShareQuotasButNotChoices() async throws {
    let two = request([[5, 5, 5], [5, 5, 5]], weights: [.choose(7), .choose(7)])
    #expect(ShardQuota.quota([5, 5, 5], choose: 7, granularity: 1, seed: 9176) == [1, 4, 2])
    let work = PlanningWork(try EpochSetup(two), ranks: 0..<1, threads: 1)
    let together: ShuffleUnits<UInt32> = await Resampling.units(of: 0..<2, work)
    let alone: ShuffleUnits<UInt32> = await Resampling.units(of: 1..<2, work)
    #expect(together.samples.suffix(7) == [19, 20, 21, 23, 24, 27, 28])
    #expect(alone.samples == [19, 20, 21, 22, 24, 26, 28])
  }

  @Test func q12TheResumeBoundIsTheReferences() async throws {
    var eight = request([[8]], world: World(nodes: 1, ranksPerNode: 8, workersPerRank: 1))
    eight.resume = ResumePoint(epoch: 0, sampleInEpoch: 16)
    let empty = try await makePlan(eight)
    #expect(empty.delivered.allSatisfy(\.isEmpty) && empty.warnings.contains { $0.kind == .emptyEpoch })
    eight.resume = ResumePoint(epoch: 0, sampleInEpoch: 17)
    #expect(await refusal(eight) == .resumeBeyondEnd(sample: 17, bound: 16))
    var ten = request([[10]]) { $0.canonicalNodes = 4 }
    #expect(try await makePlan(ten).warnings.map(\.kind) == [.samplesRepeated, .endCheckpointRefused])
    ten.resume = ResumePoint(epoch: 0, sampleInEpoch: 12)
    #expect(await refusal(ten) == .resumeBeyondEnd(sample: 12, bound: 11))
    ten.resume = ResumePoint(epoch: 0, sampleInEpoch: 11)
    #expect(try await ranks(ten) == [[9]])
  }

  @Test(arguments: [
    (6, [[0, 4], [1, 5], [2, 1], [3, 2]]), (7, [[0, 4], [1, 5], [2, 6], [3, 3]]), (5, nil as [[Int]]?),
  ])
  func q13FewerCanonicalThanPhysicalNodes(samples: Int, expected: [[Int]]?) async throws {
    let four = request([[samples]], world: World(nodes: 4, ranksPerNode: 1, workersPerRank: 1)) {
      $0.canonicalNodes = 1
    }
    guard let expected else {
      #expect(await refusal(four) == .rowsTooShort(samples: 5, canonical: 1, physical: 4))
      return
    }
    #expect(try await ranks(four) == expected)
  }

  @Test func q14StratifiedBatchesAreSegregated() async throws {
    let two = request([[8], [8]], world: World(nodes: 1, ranksPerNode: 2, workersPerRank: 1)) {
      $0.batchSize = 2
      $0.batchingMethod = "stratified"
      $0.canonicalNodes = 1
    }
    #expect(try await ranks(two) == [Array(0..<8), Array(8..<16)])
  }

  @Test func q15StratifiedCanBeEmptyAndSaysSo() async throws {
    let uneven = request(
      [[1], [100]], weights: [.proportion(0.5), .proportion(0.5)],
      world: World(nodes: 1, ranksPerNode: 1, workersPerRank: 1)
    ) {
      $0.epochSize = 6
      $0.batchSize = 8
      $0.batchingMethod = "stratified"
    }
    let plan = try await makePlan(uneven)
    #expect(plan.shape.batchesPerWorker == 0 && plan.warnings.map(\.kind) == [.emptyEpoch])
  }

  @Test func q16DevicePerStreamHandsBatchesToOtherNodes() async throws {
    let two = request([[8], [8]], world: World(nodes: 2, ranksPerNode: 2, workersPerRank: 1)) {
      $0.batchSize = 2
      $0.canonicalNodes = 2
      $0.batchingMethod = "device_per_stream"
    }
    let plan = try await makePlan(two)
    #expect(plan.shape.batchesPerWorker == 4)
    #expect(Set(plan.delivered[0] + plan.delivered[1]) == [8, 9, 10, 11, 12, 13, 14, 15])
    #expect(plan.warnings.contains { $0.kind == .batchesOnOtherNode })
  }

  @Test func q17DevicePerStreamRanksAreUnequal() async throws {
    let two = request([[8], [4]], world: World(nodes: 1, ranksPerNode: 4, workersPerRank: 1)) {
      $0.batchSize = 2
      $0.batchingMethod = "device_per_stream"
    }
    let plan = try await makePlan(two)
    #expect(plan.delivered == [[0, 1, 6, 7], [2, 3, 10, 11], [8, 9], [4, 5]])
    #expect(plan.warnings.contains { $0.kind == .unequalRanks })
    #expect(plan.ranks.map { plan.batchCount(ofRank: $0) } == [2, 2, 1, 1])
  }

  @Test func q19OriginsAreShuffledEvenWithShuffleOff() async throws {
    var two = request([[8], [8]]) {
      $0.batchSize = 2
      $0.batchingMethod = "per_stream"
    }
    for epoch in 0..<3 {
      two.epoch = epoch
      #expect(try await ranks(two) == [[0, 1, 2, 3, 8, 9, 10, 11, 12, 13, 4, 5, 6, 7, 14, 15]])
    }
  }

  @Test func q20AnEmptyShardMiscountsTheOneBefore() {
    #expect(ShardQuota.quota([3, 0, 3], choose: 5, granularity: 2, seed: 1) == [4, 0, 1])
  }

  @Test func q21OtherMethodsResumeAtGlobalBatches() async throws {
    var stratified = request([[32], [32]], world: World(nodes: 1, ranksPerNode: 2, workersPerRank: 1)) {
      $0.batchSize = 4
      $0.batchingMethod = "stratified"
    }
    let whole = try await makePlan(stratified)
    stratified.resume = ResumePoint(epoch: 0, sampleInEpoch: 13)
    let resumed = try await makePlan(stratified)
    #expect(resumed.globalBatches == Array(whole.globalBatches[1...]))
    #expect(resumed.warnings.map(\.kind) == [.resumeRounded])
    #expect(resumed.summary.checkpoint(after: 8).sampleInEpoch == 21)
  }

  @Test func q22AnOlderCheckpointIsIgnored() async throws {
    var plain = request([[16]])
    plain.epoch = 3
    plain.resume = ResumePoint(epoch: 1, sampleInEpoch: 4, canonicalNodes: 2, shuffleSeed: 1)
    let plan = try await makePlan(plain)
    #expect(plan.summary.epoch == 3 && plan.summary.sampleInEpoch == 0 && plan.summary.canonicalNodes == 1)
    #expect(plan.warnings.map(\.kind) == [.staleCheckpoint])
  }

  @Test(arguments: [(3, 4, 4, [[0], [1], [2], [0]]), (2, 2, 4, [[0], [0], [1], [1]])])
  func q24FewSamplesWrapAround(samples: Int, canonical: Int, nodes: Int, expected: [[Int]]) async throws {
    let few = request([[samples]], world: World(nodes: nodes, ranksPerNode: 1, workersPerRank: 1)) {
      $0.canonicalNodes = canonical
    }
    #expect(try await ranks(few) == expected)
  }

  @Test func q25Py1eRefusesFewerSamplesThanCanonicalNodes() async throws {
    var few = request([[2]]) {
      $0.canonicalNodes = 3
      $0.shuffle = true
    }
    #expect(await refusal(few) == .emptyCanonicalNode(samples: 2, canonical: 3))
    few.options.shuffleAlgorithm = "py1s"
    #expect(try await makePlan(few).summary.epochSize == 2)
  }

  @Test func q28ReplicationCanMergeNodes() async throws {
    let replicated = request([[64]], world: World(nodes: 2, ranksPerNode: 8, workersPerRank: 1)) { $0.replication = 2 }
    let plan = try await makePlan(replicated)
    #expect(plan.shape.nodes == 1 && plan.shape.ranksPerNode == 8)
    #expect(plan.summary.planningRanks(ofNode: 1) == 4..<8 && plan.summary.planningRank(ofRank: 3) == 1)
    #expect(plan.warnings.map(\.kind) == [.nodesMerged])
  }

  @Test func q31CanonicalNodesInterleaveWithoutShuffle() async throws {
    let ten = request([[10]]) { $0.canonicalNodes = 4 }
    #expect(try await ranks(ten)[0].prefix(5) == [0, 2, 5, 7, 1])
  }
}
