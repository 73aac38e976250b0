import DatasetModel
import Testing

@testable import Planning

/// Sample ids to shards and back.
struct DatasetLayoutTests {
  @Test func everySampleIsFoundInItsShard() {
    var random = TestRandom(seed: 17)
    for _ in 0..<50 {
      let streams = (0..<random.int(1...4)).map { _ in
        (0..<random.int(1...20)).map { _ in random.pick([0, 1, 1, 2, 7, 300]) }
      }
      let layout = DatasetLayout(shardSamples: streams)
      var sample = 0
      for (stream, shards) in streams.enumerated() {
        for (shard, count) in shards.enumerated() {
          #expect(layout.samples(ofShard: layout.number(stream: stream, shard: shard)) == sample..<sample + count)
          for index in 0..<count {
            #expect(layout.place(ofSample: sample) == SamplePlace(stream: stream, shard: shard, index: index))
            sample += 1
          }
        }
      }
      #expect(layout.samples == sample && layout.shards == streams.joined().count && layout.streams == streams.count)
    }
  }

  @Test func manyTinyShardsAfterALargeOneAreFound() {
    let layout = DatasetLayout(shardSamples: [[1_000_000] + Array(repeating: 1, count: 5000)])
    #expect(layout.place(ofSample: 999_999) == SamplePlace(stream: 0, shard: 0, index: 999_999))
    for index in 0..<5000 {
      #expect(layout.place(ofSample: 1_000_000 + index) == SamplePlace(stream: 0, shard: index + 1, index: 0))
    }
  }
}

/// When shards are needed.
struct ShardScheduleTests {
  @Test(arguments: [1, 3])
  func nextUsesAreThoseOfThePlan(granularity: Int) async throws {
    for seed in UInt64(50)..<90 {
      var random = TestRandom(seed: seed)
      let request = random.request()
      guard case .success(let plan) = await outcome(request) else { continue }
      let layout = DatasetLayout(request.streams)
      let ranks = plan.ranks.lowerBound..<min(plan.ranks.upperBound, 2)
      let schedule = ShardSchedule(plan, layout, ranks: ranks, granularity: granularity)
      var uses = [[Int]](repeating: [], count: layout.shards)
      for batch in 0..<plan.batchesPerRank {
        for rank in ranks { for shard in plan.shards(ofRank: rank, batch: batch, layout) { uses[shard].append(batch) } }
      }
      for shard in 0..<layout.shards {
        for batch in 0...plan.batchesPerRank {
          let exact = uses[shard].first { $0 / granularity >= batch / granularity }
          let expected = exact.map { max(batch, $0 / granularity * granularity) }
          #expect(schedule.nextUse(ofShard: shard, from: batch) == expected, "seed \(seed), shard \(shard)")
        }
        #expect((schedule.lastUse(ofShard: shard) ?? -1) / granularity == (uses[shard].last ?? -1) / granularity)
      }
      #expect(Set(schedule.order) == Set(uses.indices.filter { !uses[$0].isEmpty }), "seed \(seed)")
      let firsts = schedule.order.map { schedule.firstUse(ofShard: $0) ?? -1 }
      #expect(firsts == firsts.sorted(), "seed \(seed)")
    }
  }
}
