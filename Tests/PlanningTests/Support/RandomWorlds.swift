import DatasetModel
import Planning

/// A small generator for tests: the same cases for the same seed, on every machine.
struct TestRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed &* 0x9e37_79b9_7f4a_7c15 | 1 }

  mutating func next() -> UInt64 {
    state ^= state << 13
    state ^= state >> 7
    state ^= state << 17
    return state &* 0x2545_f491_4f6c_dd1d
  }

  mutating func pick<Element>(_ elements: [Element]) -> Element {
    elements[Int.random(in: 0..<elements.count, using: &self)]
  }
  mutating func int(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &self) }
}

extension TestRandom {
  /// A small dataset with any weights, options and world.
  mutating func request(method: String? = nil) -> PlanRequest {
    let weighting = int(0...3)
    let streams = (0..<int(1...3)).map { index in
      let shards = (0..<int(1...12)).map { _ in int(1...60) }
      let weight: StreamWeight =
        switch weighting {
        case 0: .unweighted
        case 1: .proportion(Double(int(1...8)) / 8)
        case 2: .repeated(Double(int(2...20)) / 8)
        default: .choose(int(1...300))
        }
      return PlanStream(name: StreamName("s\(index)"), shardSamples: shards, weight: weight)
    }
    var options = DatasetOptions()
    options.batchSize = int(1...6)
    options.shuffle = int(0...3) > 0
    options.shuffleAlgorithm = pick(["py1e", "py1br", "py1s", "py2s", "naive"])
    options.shuffleSeed = int(0...10_000)
    options.shuffleBlockSize = pick([nil, 20, 100, 1000])
    options.samplingMethod = pick(["balanced", "fixed"])
    options.samplingGranularity = pick([1, 3, 50])
    options.partitionAlgorithm = pick(["relaxed", "orig"])
    options.batchingMethod = method ?? pick(["random", "stratified", "per_stream", "device_per_stream"])
    options.canonicalNodes = pick([nil, 1, 2, 4, 8])
    if weighting <= 1, int(0...2) == 0 { options.epochSize = int(10...800) }
    let world = World(nodes: int(1...4), ranksPerNode: int(1...4), workersPerRank: int(1...3))
    return PlanRequest(streams: streams, options: options, world: world, epoch: int(0...3))
  }
}

extension EpochPlan {
  /// Every sample that is delivered, by rank and batch.
  var delivered: [[Int]] {
    ranks.map { rank in (0..<batchesPerRank).flatMap { deviceBatch(rank: rank, batch: $0) } }
  }

  /// Each global batch's samples, sorted.
  var globalBatches: [[Int]] {
    (0..<batchesPerRank).map { batch in ranks.flatMap { deviceBatch(rank: $0, batch: batch) }.sorted() }
  }
}
