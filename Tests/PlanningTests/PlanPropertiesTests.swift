import DatasetModel
import Testing

@testable import Planning

/// What holds for every plan, on seeded random datasets and worlds.
struct PlanPropertiesTests {
  private static let cases = 400

  /// Plans that the reference would make too, with the seed of each.
  private func plans(
    from first: UInt64, method: String? = nil, change: (inout PlanRequest) -> Void = { _ in }
  ) async -> [(seed: UInt64, request: PlanRequest, plan: EpochPlan)] {
    var plans: [(UInt64, PlanRequest, EpochPlan)] = []
    for seed in first..<first + UInt64(Self.cases) {
      var random = TestRandom(seed: seed)
      var request = random.request(method: method)
      change(&request)
      if case .success(let plan) = await outcome(request) { plans.append((seed, request, plan)) }
    }
    return plans
  }

  @Test func randomDeliversExactlyWhatIsDrawnApartFromPadding() async throws {
    let plans = await plans(from: 1000, method: "random")
    #expect(plans.count > Self.cases / 3)
    for (seed, request, plan) in plans {
      let setup = try EpochSetup(request)
      let work = PlanningWork(setup, ranks: 0..<1, threads: 1)
      let units: ShuffleUnits<UInt32> = await Resampling.units(of: setup.streams.indices, work)
      let drawn = Self.counts(units.samples.map { Int($0) })
      let delivered = Self.counts(plan.delivered.flatMap { $0 })
      // Short rows and padding repeat a sample; what is not drawn never appears, and every sample drawn does, except
      // where the dataset has fewer samples than the world has places to start from.
      #expect(Set(delivered.keys).isSubset(of: drawn.keys), "seed \(seed)")
      let total = delivered.values.reduce(0, +)
      #expect(total >= setup.epochSize, "seed \(seed)")
      for (sample, count) in drawn { #expect(delivered[sample, default: 0] >= count, "seed \(seed), sample \(sample)") }
      let repeats = total - setup.epochSize
      let isDeclared = plan.warnings.contains { $0.kind == .samplesRepeated }
      #expect(isDeclared == (repeats > 0), "seed \(seed)")
    }
  }

  @Test(arguments: ["stratified", "per_stream", "device_per_stream"])
  func otherMethodsDeliverNothingThatIsNotDrawn(method: String) async throws {
    let plans = await plans(from: 2000, method: method)
    #expect(plans.count > Self.cases / 20)
    for (seed, request, plan) in plans {
      let setup = try EpochSetup(request)
      let work = PlanningWork(setup, ranks: 0..<1, threads: 1)
      var drawn: Set<Int> = []
      var times: [Int: Int] = [:]
      for stream in setup.streams.indices {
        let units: ShuffleUnits<UInt32> = await Resampling.units(of: stream..<stream + 1, work)
        drawn.formUnion(units.samples.map { Int($0) })
        times.merge(Self.counts(units.samples.map { Int($0) })) { $0 + $1 }
      }
      let delivered = plan.delivered.flatMap { $0 }
      let isRepeated = Self.counts(delivered).contains { $0.value > times[$0.key, default: 0] }
      let isRepeatDeclared = plan.warnings.contains { $0.kind == .samplesRepeated }
      #expect(!isRepeated || isRepeatDeclared, "seed \(seed): samples silently repeated")
      #expect(Set(delivered).isSubset(of: drawn), "seed \(seed)")
      let isMissing = Set(delivered).count < drawn.count
      let isDeclared = plan.warnings.contains { [.samplesDropped, .emptyEpoch].contains($0.kind) }
      #expect(!isMissing || isDeclared, "seed \(seed): \(drawn.count - Set(delivered).count) samples silently missing")
    }
  }

  @Test func ranksHaveEqualLengthUnlessDeclared() async {
    for (seed, request, plan) in await plans(from: 3000) {
      let lengths = Set(plan.delivered.map(\.count))
      let isDeclared = plan.warnings.contains { $0.kind == .unequalRanks }
      #expect(lengths.count <= 1 || isDeclared, "seed \(seed), \(request.options.batchingMethod): \(lengths)")
      let counts = plan.ranks.map { plan.sampleCount(ofRank: $0) }
      #expect(counts == plan.delivered.map(\.count), "seed \(seed)")
    }
  }

  @Test(arguments: ["random", "stratified", "per_stream", "device_per_stream"])
  func resumingEqualsContinuing(method: String) async throws {
    for (seed, request, plan) in await plans(from: 4000, method: method) where plan.batchesPerRank > 1 {
      let consumed = plan.batchesPerRank / 2
      var resumed = request
      resumed.resume = plan.summary.checkpoint(after: consumed * plan.summary.globalBatch)
      guard let rest = await self.plan(resumed) else {
        // The reference refuses to resume near the end of what repeats make longer than it is; the plan says so.
        #expect(plan.warnings.contains { $0.kind == .endCheckpointRefused }, "seed \(seed)")
        continue
      }
      let continued = plan.ranks.map { rank in
        (consumed..<plan.batchesPerRank).flatMap { plan.deviceBatch(rank: rank, batch: $0) }
      }
      #expect(rest.summary.epoch == plan.summary.epoch)
      // Rank padding is cut anew at the end, so the last batch may differ by it.
      for (left, right) in zip(rest.delivered, continued) {
        let common = max(0, min(left.count, right.count) - plan.shape.batchSize)
        #expect(left.prefix(common) == right.prefix(common), "seed \(seed), \(method)")
        #expect(abs(left.count - right.count) <= plan.shape.batchSize, "seed \(seed), \(method)")
      }
    }
  }

  @Test func globalBatchesAreTheSameForEveryAllowedNodeCount() async throws {
    for seed in UInt64(5000)..<5100 {
      var random = TestRandom(seed: seed)
      var request = random.request(method: random.pick(["random", "stratified"]))
      // Eight devices and a global batch of 8·B, however they are spread over nodes.
      request.options.canonicalNodes = 8
      request.world = World(nodes: 1, ranksPerNode: 8, workersPerRank: 1)
      guard let first = await plan(request) else { continue }
      for nodes in [2, 4, 8] {
        request.world = World(nodes: nodes, ranksPerNode: 8 / nodes, workersPerRank: 3)
        let other = try #require(await plan(request), "seed \(seed)")
        let common = min(first.batchesPerRank, other.batchesPerRank) - 1
        #expect(common >= first.batchesPerRank - 2, "seed \(seed)")
        if common > 0 {
          #expect(first.globalBatches.prefix(common) == other.globalBatches.prefix(common), "seed \(seed), \(nodes)")
        }
      }
    }
  }

  @Test func anEpochBegunOnThreeNodesGoesOnOnFour() async throws {
    // 12 canonical nodes divide over both; the relaxed partition keeps the beginning world's batches where they do not.
    var options = DatasetOptions()
    options.batchSize = 4
    options.shuffle = true
    options.canonicalNodes = 6
    let streams = [PlanStream(name: "s", shardSamples: Array(repeating: 40, count: 30))]
    let three = PlanRequest(
      streams: streams, options: options, world: World(nodes: 3, ranksPerNode: 1, workersPerRank: 1))
    let began = try await makePlan(three)
    var four = three
    four.options.batchSize = 3
    four.world = World(nodes: 4, ranksPerNode: 1, workersPerRank: 1)
    four.resume = began.summary.checkpoint(after: 24 * began.summary.globalBatch)
    let continued = try await makePlan(four)
    #expect(continued.globalBatches.dropLast() == began.globalBatches[24...].dropLast())
  }

  @Test func plansDoNotDependOnThreads() async throws {
    for (seed, request, plan) in await plans(from: 6000) {
      for threads in [2, 7] {
        let other = try await makePlan(request, threads: threads)
        #expect(other.delivered == plan.delivered && other.summary == plan.summary, "seed \(seed), \(threads) threads")
      }
    }
  }

  @Test func aNodesPartIsThatPartOfTheWhole() async throws {
    for (seed, request, plan) in await plans(from: 7000) {
      for node in 0..<request.world.nodes {
        let part = try await makePlan(request, keeping: .node(node), threads: 2)
        #expect(part.ranks == plan.summary.planningRanks(ofNode: node))
        let whole = part.ranks.map { plan.delivered[$0] }
        #expect(part.delivered == whole, "seed \(seed), node \(node)")
      }
    }
  }

  private func plan(_ request: PlanRequest) async -> EpochPlan? {
    if case .success(let plan) = await outcome(request) { plan } else { nil }
  }

  private static func counts(_ samples: [Int]) -> [Int: Int] {
    samples.reduce(into: [:]) { $0[$1, default: 0] += 1 }
  }
}
