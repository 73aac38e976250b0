import DatasetModel
import Planning
import Testing

@testable import Server

/// The batches that need most of the cache at once, against looking at each batch by itself.
@Suite struct LargestBatchesTests {
  @Test(arguments: ["naive", "py1s", "py1e"]) func agreesWithLookingAtEachBatch(_ shuffle: String) async throws {
    let shardSamples = [[Int](repeating: 7, count: 12), [Int](repeating: 5, count: 9)]
    let streams = zip(["one", "two"], shardSamples).map {
      PlanStream(name: StreamName($0), shardSamples: $1)
    }
    var options = DatasetOptions()
    options.batchSize = 6
    options.shuffle = true
    options.shuffleAlgorithm = shuffle
    let world = World(nodes: 1, ranksPerNode: 2, workersPerRank: 1)
    let setup = try EpochSetup(PlanRequest(streams: streams, options: options, world: world, epoch: 1, resume: nil))
    let plan = try await makePlan(setup, keeping: .whole, threads: 1)
    let layout = DatasetLayout(streams)
    let bytes = (0..<layout.shards).map { 100 + ($0 * 37) % 50 }
    let streamOf = (0..<layout.shards).map { layout.shard(number: $0).stream }
    for rank in 0..<2 {
      let found = LargestBatches(plan, rank: rank, layout: layout, bytes: bytes, streamOf: streamOf)
      let batches = (0..<plan.batchesPerRank).map { plan.shards(ofRank: rank, batch: $0, layout) }
      let sums = batches.map { $0.reduce(0) { $0 + bytes[$1] } }
      #expect(found.whole.bytes == sums.max())
      #expect(sums[found.whole.number] == found.whole.bytes)
      for stream in 0..<2 {
        let sums = batches.map { $0.reduce(0) { streamOf[$1] == stream ? $0 + bytes[$1] : $0 } }
        #expect(found.streams[stream].bytes == sums.max())
        #expect(sums[found.streams[stream].number] == found.streams[stream].bytes)
      }
    }
  }
}
