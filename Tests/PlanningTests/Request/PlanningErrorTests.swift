import DatasetModel
import Testing

@testable import Planning

/// Refusals name the option, its value and what would work.
struct PlanningErrorTests {
  private static func request(_ change: (inout PlanRequest) -> Void) -> PlanRequest {
    var request = PlanRequest(
      streams: [PlanStream(name: "a", shardSamples: [100]), PlanStream(name: "b", shardSamples: [100])],
      world: World(nodes: 2, ranksPerNode: 2, workersPerRank: 1))
    change(&request)
    return request
  }

  private static let refusals: [(@Sendable (inout PlanRequest) -> Void, [String])] = [
    ({ $0.options.batchingMethod = "stratifed" }, ["batching_method", "stratifed", "did you mean 'stratified'?"]),
    ({ $0.options.samplingMethod = "balance" }, ["sampling_method", "did you mean 'balanced'?"]),
    ({ $0.options.partitionAlgorithm = "original" }, ["partition_algo", "relaxed, orig"]),
    (
      {
        $0.options.shuffle = true
        $0.options.shuffleAlgorithm = "py1"
      }, ["shuffle_algo", "py1e, py1br"]
    ),
    ({ $0.streams = [] }, ["no streams"]),
    ({ $0.streams[1].shardSamples = [0, 0] }, ["'b'", "no samples"]),
    ({ $0.streams[0].weight = .proportion(1) }, ["'a'", "'b'", "proportion"]),
    (
      {
        $0.streams[0].weight = .choose(4)
        $0.options.epochSize = 8
      }, ["epoch_size 8", "repeat or choose"]
    ),
    ({ $0.streams[0].weight = .repeated(-1) }, ["repeat of stream 'a'", "-1.0"]),
    ({ $0.streams[0].weight = .repeated(.nan) }, ["repeat of stream 'a'", "nan"]),
    ({ $0.streams[0].weight = .repeated(1e300) }, ["repeat of stream 'a'", "limit"]),
    (
      {
        $0.streams[0].weight = .proportion(0)
        $0.streams[1].weight = .proportion(0)
      }, ["proportions", "zero"]
    ),
    ({ $0.options.batchSize = 0 }, ["batch_size is 0", "at least 1"]),
    ({ $0.options.batchSize = 1 << 31 }, ["batch", "limit"]),
    ({ $0.options.samplingGranularity = 0 }, ["sampling_granularity is 0"]),
    ({ $0.options.shuffleSeed = -1 }, ["shuffle_seed is -1"]),
    ({ $0.options.epochSize = Int.max }, ["epoch_size", "limit"]),
    ({ $0.options.canonicalNodes = 3 }, ["num_canonical_nodes 3", "2 physical nodes"]),
    (
      {
        $0.options.canonicalNodes = 3
        $0.options.batchingMethod = "device_per_stream"
      }, ["multiple of the 2"]
    ),
    ({ $0.options.replication = 3 }, ["replication is 3", "4 ranks"]),
    ({ $0.resume = ResumePoint(epoch: 0, sampleInEpoch: 205) }, ["sample_in_epoch 205", "at most 204"]),
    (
      {
        $0.options.shuffle = true
        $0.options.shuffleBlockSize = 0
      }, ["'py1e'", "at least 1"]
    ),
    (
      {
        $0.options.batchSize = 60
        $0.options.batchingMethod = "per_stream"
      }, ["'a'", "100 samples", "240"]
    ),
    ({ $0.world = World(nodes: 0, ranksPerNode: 1, workersPerRank: 1) }, ["nodes is 0"]),
    ({ $0.world = World(nodes: 1 << 40, ranksPerNode: 1 << 40, workersPerRank: 1) }, ["nodes", "limit"]),
    ({ $0.streams[0].shardSamples = [-1] }, ["shard of stream 'a'", "-1"]),
    ({ $0.streams[0].shardSamples = Array(repeating: Int.max, count: 3) }, ["samples of all streams", "limit"]),
    ({ $0.epoch = -1 }, ["epoch is -1"]),
  ]

  @Test(arguments: refusals)
  func messagesSayWhatWouldWork(change: @Sendable (inout PlanRequest) -> Void, words: [String]) async {
    guard case .failure(let error) = await outcome(Self.request(change)) else {
      Issue.record("planned although \(words)")
      return
    }
    for word in words { #expect(error.description.contains(word), "\(error)") }
  }

  @Test func anUnknownShuffleIsAWarningWhileShuffleIsOff() async throws {
    let plan = try await makePlan(Self.request { $0.options.shuffleAlgorithm = "py9" })
    #expect(plan.warnings.map(\.kind) == [.unusedOption])
  }

  @Test func noneIsNoShuffle() async throws {
    let off = try await makePlan(Self.request { $0.options.batchSize = 5 })
    let none = try await makePlan(
      Self.request {
        $0.options.batchSize = 5
        $0.options.shuffle = true
        $0.options.shuffleAlgorithm = "none"
      })
    #expect(off.delivered == none.delivered)
  }
}
