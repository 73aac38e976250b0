import Codecs
import DatasetModel
import Testing

@testable import Planning

/// Plans kept as files: what is written opens again, and nothing else does.
struct PlanFileTests {
  private let print = Fingerprint([1, 2, 3, 4])

  private func written(_ plan: EpochPlan) -> [UInt8] {
    var bytes: [UInt8] = []
    PlanFile.write(plan, print) { bytes.append(contentsOf: $0) }
    return bytes
  }

  private func plan(seed: UInt64, part: PlanPart = .whole) async -> (PlanRequest, EpochPlan)? {
    var random = TestRandom(seed: seed)
    let request = random.request()
    guard case .success = await outcome(request), let plan = try? await makePlan(request, keeping: part) else {
      return nil
    }
    return (request, plan)
  }

  @Test func whatIsWrittenOpensUnchanged() async throws {
    var opened = 0
    for seed in UInt64(1)...200 {
      guard let (request, plan) = await plan(seed: seed) else { continue }
      let bytes = written(plan)
      #expect(bytes.count == PlanFile.size(of: plan, print))
      let identity = PlanIdentity(try EpochSetup(request), print)
      let (kept, fingerprint) = try PlanFile.open(ArrayBytes(bytes), expecting: identity)
      #expect(kept.summary == plan.summary && fingerprint == print)
      #expect(kept.delivered == plan.delivered, "seed \(seed)")
      #expect(kept.tensorHead(.max) == plan.tensorHead(.max), "seed \(seed)")
      opened += 1
    }
    #expect(opened > 50)
  }

  @Test func aNodesPartIsKeptAlone() async throws {
    let request = PlanRequest(
      streams: [PlanStream(name: "s", shardSamples: [100, 100])], options: DatasetOptions(),
      world: World(nodes: 2, ranksPerNode: 2, workersPerRank: 1))
    let part = try await makePlan(request, keeping: .node(1))
    let whole = try await makePlan(request)
    let bytes = written(part)
    #expect(bytes.count < written(whole).count - 300)
    let identity = PlanIdentity(try EpochSetup(request), print, keeping: .node(1))
    let kept = try PlanFile.open(ArrayBytes(bytes), expecting: identity).plan
    #expect(kept.ranks == 2..<4 && kept.deviceBatch(rank: 3, batch: 0) == whole.deviceBatch(rank: 3, batch: 0))
    #expect(throws: PlanFile.Problem.otherPlan) {
      try PlanFile.open(ArrayBytes(bytes), expecting: PlanIdentity(try EpochSetup(request), print, keeping: .node(0)))
    }
  }

  @Test func everyAlteredByteIsNoticed() async throws {
    let (_, plan) = try #require(await plan(seed: 3))
    let bytes = written(plan)
    for index in bytes.indices {
      var altered = bytes
      altered[index] ^= 0x10
      // The padding between header and ids is not read, and is the only part that may change unnoticed.
      let isPadding = (try? PlanFile.open(ArrayBytes(altered)).plan.delivered == plan.delivered) == true
      if isPadding { #expect(bytes[index] == 0, "byte \(index) of \(bytes.count) was altered unnoticed") }
    }
  }

  @Test func everyTruncationIsNoticed() async throws {
    let (_, plan) = try #require(await plan(seed: 3))
    let bytes = written(plan)
    for count in 0..<bytes.count {
      #expect(throws: PlanFile.Problem.self) { try PlanFile.open(ArrayBytes(Array(bytes[..<count]))) }
    }
    #expect(throws: PlanFile.Problem.length(expected: bytes.count, found: bytes.count + 1)) {
      try PlanFile.open(ArrayBytes(bytes + [0]))
    }
  }

  @Test func anotherVersionIsNamed() async throws {
    let (_, plan) = try #require(await plan(seed: 3))
    var bytes = written(plan)
    bytes[8] = 9
    #expect(throws: PlanFile.Problem.version(9)) { try PlanFile.open(ArrayBytes(bytes)) }
    #expect(throws: PlanFile.Problem.notAPlan) { try PlanFile.open(ArrayBytes(Array(repeating: 0, count: 4096))) }
  }

  @Test func anotherEpochIsAnotherPlan() async throws {
    let (request, plan) = try #require(await plan(seed: 3))
    var later = request
    later.epoch += 1
    let identity = PlanIdentity(try EpochSetup(later), print)
    #expect(identity.fileName != PlanIdentity(try EpochSetup(request), print).fileName)
    #expect(throws: PlanFile.Problem.otherPlan) {
      try PlanFile.open(ArrayBytes(written(plan)), expecting: identity)
    }
  }

  @Test func wideIDsAreKeptAsEightBytes() async throws {
    // Two shards of three thousand million samples: ids no longer fit four bytes, though the epoch is small.
    let request = PlanRequest(
      streams: [PlanStream(name: "s", shardSamples: [3_000_000_000, 3_000_000_000], weight: .choose(1))],
      options: {
        var options = DatasetOptions()
        options.samplingGranularity = 1 << 40
        return options
      }(),
      world: World(nodes: 1, ranksPerNode: 1, workersPerRank: 1))
    let plan = try await makePlan(request)
    #expect(plan.bytes == 8)
    let kept = try PlanFile.open(ArrayBytes(written(plan))).plan
    #expect(kept.delivered == plan.delivered && plan.delivered[0].count == 1)
  }
}
