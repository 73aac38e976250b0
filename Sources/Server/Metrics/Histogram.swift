/// How often values fell into each of some ranges, and their sum: what a Prometheus histogram is made of.
struct Histogram: Sendable {
  /// Seconds of a request, from a batch that is open already to one that waits for a slow remote.
  static let requestSeconds = [
    1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
    60,
  ]
  /// Seconds of longer work: a shard on its way, an epoch's plan.
  static let workSeconds = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600,
  ]
  /// Bytes of a shard: 64 KiB to 1 GiB.
  static let shardBytes = (16...30).filter { $0 % 2 == 0 }.map { Double(1 << $0) }

  /// Upper bounds, inclusive, in rising order; a range without bound follows.
  let bounds: [Double]
  /// One more than there are bounds.
  private(set) var counts: [Int]
  private(set) var sum = 0.0

  init(bounds: [Double]) {
    self.bounds = bounds
    counts = [Int](repeating: 0, count: bounds.count + 1)
  }

  /// Values observed.
  var count: Int { counts.reduce(0, +) }

  mutating func observe(_ value: Double) {
    var place = 0
    while place < bounds.count, value > bounds[place] { place += 1 }
    counts[place] += 1
    sum += value
  }

  /// Takes in what another with the same bounds has counted.
  mutating func merge(_ other: Histogram) {
    precondition(bounds == other.bounds, "histograms of different bounds do not add up")
    for place in counts.indices { counts[place] += other.counts[place] }
    sum += other.sum
  }
}
