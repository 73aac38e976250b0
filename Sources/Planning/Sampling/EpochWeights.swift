import DatasetModel

/// How much an epoch draws from each stream; planning.md §3.
public struct EpochWeights: Hashable, Sendable {
  /// Samples drawn from each stream.
  public let choosePerStream: [Int]
  /// Each stream's requested share of the epoch; stratified and per-stream methods divide batches and blocks by it.
  public let proportions: [Double]
  /// Samples of the epoch over all streams.
  public let total: Int

  /// Settles the weights of `streams`, whose shards have been checked.
  ///
  /// - Parameters:
  ///   - epochSize: samples of the epoch; 0 when it follows from the streams.
  ///   - seed: decides which streams get the samples that rounding left over.
  /// - Throws: `PlanningError` for mixed weights, all-zero proportions, an `epoch_size` beside absolute weights.
  init(_ streams: [PlanStream], epochSize: Int, seed: UInt64) throws(PlanningError) {
    let sizes = streams.map { $0.shardSamples.reduce(0, +) }
    let relative = try Self.areRelative(streams)
    let unweighted = streams.allSatisfy { $0.weight == .unweighted }
    if relative || (epochSize > 0 && unweighted) {
      let shares = zip(streams, sizes).map { stream, size in
        if case .proportion(let value) = stream.weight { value } else { Double(size) }
      }
      self = try Self.shared(shares, total: epochSize > 0 ? epochSize : sizes.reduce(0, +), seed: seed)
    } else {
      guard epochSize == 0 else { throw .epochSizeWithAbsoluteWeights(epochSize) }
      self = try Self.counted(streams, sizes: sizes)
    }
  }

  private init(choosePerStream: [Int], proportions: [Double], total: Int) {
    self.choosePerStream = choosePerStream
    self.proportions = proportions
    self.total = total
  }

  /// Whether the streams are weighted by proportion, which is all or none of them.
  private static func areRelative(_ streams: [PlanStream]) throws(PlanningError) -> Bool {
    let isProportion = streams.map { if case .proportion = $0.weight { true } else { false } }
    guard let with = isProportion.firstIndex(of: true) else { return false }
    guard let without = isProportion.firstIndex(of: false) else { return true }
    throw .mixedWeights(with: streams[with].name.rawValue, without: streams[without].name.rawValue)
  }

  private static func shared(_ shares: [Double], total: Int, seed: UInt64) throws(PlanningError) -> EpochWeights {
    let sum = pairwiseSum(shares[...])
    guard sum > 0 else { throw .zeroProportions }
    guard sum.isFinite else {
      throw .invalid(option: "sum of the proportions", value: "\(sum)", allowed: "a finite number")
    }
    let proportions = shares.map { $0 / sum }
    var choose = proportions.map { Int(Double(total) * $0) }
    let short = total - choose.reduce(0, +)
    guard short >= 0, short <= shares.count else {
      throw .invalid(
        option: "proportion", value: "\(shares)", allowed: "such that rounding leaves at most one sample per stream")
    }
    var generator = Generator(seed: seed)
    for stream in generator.choice(shares.count, short) { choose[stream] += 1 }
    return EpochWeights(choosePerStream: choose, proportions: proportions, total: total)
  }

  private static func counted(_ streams: [PlanStream], sizes: [Int]) throws(PlanningError) -> EpochWeights {
    var choose: [Int] = []
    var total = 0
    for (stream, size) in zip(streams, sizes) {
      let count: Int
      switch stream.weight {
      case .unweighted, .proportion: count = size
      case .choose(let samples): count = samples
      case .repeated(let times):
        let wanted = times * Double(size)
        guard wanted <= Double(PlanningLimits.samples) else {
          throw .beyondLimit(
            what: "repeat of stream '\(stream.name)' with \(size) samples", value: "\(times)",
            limit: PlanningLimits.samples)
        }
        count = Int(wanted)
      }
      total += count
      guard total <= PlanningLimits.samples else {
        throw .beyondLimit(what: "samples of an epoch", value: "\(total)", limit: PlanningLimits.samples)
      }
      choose.append(count)
    }
    return EpochWeights(
      choosePerStream: choose, proportions: choose.map { Double($0) / Double(total) }, total: total)
  }
}

/// The sum in numpy's order of additions, whose last bits differ from left to right from eight terms on.
func pairwiseSum(_ terms: ArraySlice<Double>) -> Double {
  if terms.count < 8 { return terms.reduce(0, +) }
  if terms.count > 128 {
    var half = terms.count / 2
    half -= half % 8
    return pairwiseSum(terms.prefix(half)) + pairwiseSum(terms.dropFirst(half))
  }
  let first = terms.startIndex
  var lanes = Array(terms[first..<first + 8])
  let whole = terms.count - terms.count % 8
  for group in stride(from: 8, to: whole, by: 8) {
    for lane in 0..<8 { lanes[lane] += terms[first + group + lane] }
  }
  let sum = ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3])) + ((lanes[4] + lanes[5]) + (lanes[6] + lanes[7]))
  return terms[(first + whole)...].reduce(sum, +)
}
