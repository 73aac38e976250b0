import DatasetModel
import Testing

@testable import Planning

/// Weights, and the sum they are divided by.
struct EpochWeightsTests {
  /// Sums by numpy 2.1.3, whose order of additions differs from left to right from eight terms on.
  @Test(arguments: [
    (7, 0x1.6666666666666p-1, 0x1.4be2be2be2be2p+1), (8, 0x1.999999999999ap-1, 0x1.5be2be2be2be2p+1),
    (10, 0x1.0000000000000p+0, 0x1.76e86e86e86e8p+1), (129, 0x1.9ccccccccccccp+3, 0x1.5c37b09149ba9p+2),
    (300, 0x1.dffffffffffffp+4, 0x1.92172a3e6965ap+2), (1000, 0x1.9000000000001p+6, 0x1.df11f45f4e61ap+2),
  ])
  func pairwiseSumsAreNumpys(count: Int, tenths: Double, harmonic: Double) {
    #expect(pairwiseSum(Array(repeating: 0.1, count: count)[...]) == tenths)
    #expect(pairwiseSum((1...count).map { 1 / Double($0) }[...]) == harmonic)
  }

  @Test func relativeWeightsKeepTheRequestedShares() throws {
    let streams = [
      PlanStream(name: "a", shardSamples: [10], weight: .proportion(1)),
      PlanStream(name: "b", shardSamples: [30], weight: .proportion(3)),
    ]
    let weights = try EpochWeights(streams, epochSize: 0, seed: 9176)
    #expect(weights.total == 40 && weights.choosePerStream == [10, 30] && weights.proportions == [0.25, 0.75])
    let sized = try EpochWeights(streams, epochSize: 101, seed: 9176)
    #expect(sized.total == 101 && sized.choosePerStream.reduce(0, +) == 101 && sized.proportions == [0.25, 0.75])
  }

  @Test func absoluteWeightsAddUp() throws {
    let streams = [
      PlanStream(name: "a", shardSamples: [10], weight: .repeated(1.55)),
      PlanStream(name: "b", shardSamples: [30], weight: .choose(7)), PlanStream(name: "c", shardSamples: [3, 4]),
    ]
    let weights = try EpochWeights(streams, epochSize: 0, seed: 9176)
    #expect(weights.choosePerStream == [15, 7, 7] && weights.total == 29)
    let shares: [Double] = [15.0 / 29, 7.0 / 29, 7.0 / 29]
    #expect(weights.proportions == shares)
  }

  @Test func quotasAddUpAndNeverExceedAShardTwice() {
    var random = TestRandom(seed: 21)
    for _ in 0..<200 {
      let sizes = (0..<random.int(1...15)).map { _ in random.int(1...40) }
      let total = sizes.reduce(0, +)
      let choose = random.int(0...3 * total)
      let quota = ShardQuota.quota(
        sizes, choose: choose, granularity: random.pick([1, 2, 7, 100]), seed: UInt64(random.int(0...99)))
      #expect(quota.reduce(0, +) == choose)
      for (size, count) in zip(sizes, quota) {
        let whole = choose / total * size
        #expect((whole...whole + size).contains(count))
      }
    }
  }
}
