import Testing

@testable import Planning

/// The shuffles on their own: planning.md §7's worked examples, and what every shuffle must do.
struct ShuffleAlgorithmTests {
  private func order(
    _ algorithm: ShuffleAlgorithm, units: [Int], canonicalNodes: Int = 1, seed: UInt64 = 7, epoch: UInt64 = 0,
    block: Int = 8, threads: Int = 1
  ) async throws -> [UInt32] {
    var list = ShuffleUnits<UInt32>()
    for count in units { list.append(shard: list.total, count: count) }
    return try await algorithm.order(
      ShuffleInput(
        units: list, canonicalNodes: canonicalNodes, runSeed: seed, epochSeed: seed + epoch, block: block,
        threads: threads))
  }

  @Test(arguments: [
    (ShuffleAlgorithm.naive, 1, [0, 5, 6, 2, 4, 1, 3]), (.py1s, 2, [0, 2, 1, 3, 5, 6, 4]),
    (.py2s, 2, [2, 3, 0, 4, 5, 6, 1]), (.py1br, 1, [0, 1, 6, 2, 5, 4, 3]), (.py1e, 1, [2, 3, 0, 4, 5, 6, 1]),
  ])
  func workedExamples(algorithm: ShuffleAlgorithm, canonicalNodes: Int, expected: [UInt32]) async throws {
    #expect(try await order(algorithm, units: [4, 3], canonicalNodes: canonicalNodes) == expected)
  }

  @Test(arguments: ShuffleAlgorithm.allCases)
  func everyOrderIsAPermutation(algorithm: ShuffleAlgorithm) async throws {
    var random = TestRandom(seed: 99)
    for _ in 0..<60 {
      let units = (0..<random.int(1...40)).map { _ in random.int(1...500) }
      let total = units.reduce(0, +)
      let result = try await order(
        algorithm, units: units, canonicalNodes: min(total, random.pick([1, 2, 5])),
        seed: UInt64(random.int(0...1000)), epoch: UInt64(random.int(0...9)), block: random.pick([2, 30, 700, 9000]),
        threads: random.int(1...3))
      #expect(result.sorted() == (0..<UInt32(total)).map { $0 })
    }
  }

  /// Large enough that one canonical node is split over threads, and that buckets and chunks are many.
  @Test(arguments: [(60_000, [2, 3, 8]), (700, [2, 5])])
  func py1eSplitsWithoutATrace(block: Int, threads: [Int]) async throws {
    var random = TestRandom(seed: 5)
    let units = (0..<700).map { _ in random.pick([1, 30, 900, 2000]) }
    #expect(units.reduce(0, +) > 1 << 18)
    let one = try await order(.py1e, units: units, block: block)
    for count in threads {
      #expect(try await order(.py1e, units: units, block: block, threads: count) == one, "\(count) threads")
    }
  }

  /// A general sort, with the same draws: what the sliding window must equal, ties included.
  @Test(arguments: [(1, 20), (3, 20), (1, 5000), (2, 100_000)])
  func py1eIsAStableSortOfPlaces(canonicalNodes: Int, block: Int) async throws {
    var random = TestRandom(seed: 8)
    let units = (0..<200).map { _ in random.int(1...300) }
    var list = ShuffleUnits<UInt32>()
    for count in units { list.append(shard: list.total, count: count) }
    let input = ShuffleInput(
      units: list, canonicalNodes: canonicalNodes, runSeed: 3, epochSeed: 4, block: block, threads: 2)
    let sizes = try BlockSizes(block, algorithm: .py1e)
    let start = UnitGroups(input)
    var generator = start.generator
    var expected: [UInt32] = []
    for (pieces, count) in zip(start.groups, start.counts) {
      let samples = list.samples(of: pieces, count: count) { generator.shuffle($0) }
      var places: [(Double, Int)] = []
      for piece in pieces {
        let half = max(Double(generator.integer(in: sizes.range) - piece.count) / 2, 0)
        let at = places.count
        let left = max(-half, -Double(at))
        let width = min(half, Double(count - at - piece.count)) - left
        for index in 0..<piece.count {
          places.append((Double(at + index) + (left + width * generator.nextDouble()), at + index))
        }
      }
      expected += places.sorted { $0 < $1 }.map { samples[$0.1] }
    }
    #expect(try await Py1e.order(input) == expected)
  }
}
