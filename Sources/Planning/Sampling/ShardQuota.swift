import DatasetModel

/// How many samples an epoch draws from each shard of one stream; planning.md §5.
enum ShardQuota {
  /// Samples per shard, which add up to `choose`.
  ///
  /// - Parameters:
  ///   - sizes: samples of each shard.
  ///   - granularity: samples that are drawn or left together.
  static func quota(_ sizes: [Int], choose: Int, granularity: Int, seed: UInt64) -> [Int] {
    let total = sizes.reduce(0, +)
    let whole = choose / total
    var quota = sizes.map { $0 * whole }
    var need = choose % total
    if need == 0 { return quota }

    let granules = Granules(sizes, granularity: granularity)
    for granule in granules.shuffled(seed: seed) {
      let shard = Int(granule >> 1)
      let taken = min(need, granule & 1 == 1 ? granules.last[shard] : granularity)
      quota[shard] += taken
      need -= taken
      if need == 0 { break }
    }
    return quota
  }

  /// True if an empty shard follows another: the reference then takes the earlier one's last granule for a whole one.
  static func miscounts(_ sizes: [Int], choose: Int, granularity: Int) -> Bool {
    let total = sizes.reduce(0, +)
    guard choose % total != 0 else { return false }
    var previous: Int?
    for size in sizes {
      if size == 0, let before = previous, before % granularity != 0 { return true }
      if size > 0 { previous = size }
    }
    return false
  }
}

/// The pieces of `granularity` samples of a stream's shards, each named by its shard and whether it is the shard's last.
private struct Granules {
  /// Samples of each shard's last granule.
  var last: [Int]
  private let counts: [Int]

  init(_ sizes: [Int], granularity: Int) {
    last = []
    counts = sizes.map { $0 == 0 ? 0 : ($0 - 1) / granularity + 1 }
    var previous: Int?
    for (shard, size) in sizes.enumerated() {
      last.append(size == 0 ? 0 : (size - 1) % granularity + 1)
      // The reference's habit (planning.md, Q20).
      if size == 0, let before = previous { last[before] = granularity }
      if size > 0 { previous = shard }
    }
  }

  /// The granules in random order, each as twice its shard, plus one if it is the shard's last.
  func shuffled(seed: UInt64) -> [UInt32] {
    var generator = Generator(seed: seed)
    let total = counts.reduce(0, +)
    return [UInt32](unsafeUninitializedCapacity: total) { buffer, filled in
      for (shard, count) in counts.enumerated() where count > 0 {
        let name = UInt32(truncatingIfNeeded: shard) << 1
        for _ in 1..<count {
          buffer[filled] = name
          filled += 1
        }
        buffer[filled] = name | 1
        filled += 1
      }
      generator.shuffle(UnsafeMutableBufferPointer(rebasing: buffer[..<filled]))
    }
  }
}
