/// Shuffles shards and the samples of each, then moves every sample by a random distance of up to half a block.
enum Py1e {
  static func order<ID: SampleNumber>(_ input: ShuffleInput<ID>) async throws(PlanningError) -> [ID] {
    let sizes = try BlockSizes(input.block, algorithm: .py1e)
    let start = UnitGroups(input)
    guard start.counts.allSatisfy({ $0 > 0 }) else {
      throw .emptyCanonicalNode(samples: input.units.total, canonical: input.canonicalNodes)
    }
    var steps = Py1eSteps(input, start, sizes)
    var order: [ID] = []
    let total = input.units.total
    await inOrder(threads: input.threads) {
      steps.next()
    } run: { (step: Py1eSegment<ID>) in
      step.sorted()
    } take: { samples in
      if samples.count == total {
        order = samples
      } else {
        if order.isEmpty { order.reserveCapacity(total) }
        order.append(contentsOf: samples)
      }
    }
    return order
  }
}

/// What must be done in sequence: shuffling each group's samples, and finding where its distances begin in the random
/// sequence. The distances themselves, and the sort, are left to `Py1eSegment`.
private struct Py1eSteps<ID: SampleNumber> {
  private let units: ShuffleUnits<ID>
  private let groups: [[ShuffleUnit]]
  private let counts: [Int]
  private let sizes: BlockSizes
  private let segments: Int
  private var generator: Generator
  private var group = 0
  private var ready: [Py1eSegment<ID>] = []

  init(_ input: ShuffleInput<ID>, _ start: UnitGroups, _ sizes: BlockSizes) {
    units = input.units
    groups = start.groups
    counts = start.counts
    generator = start.generator
    self.sizes = sizes
    // A group is split only where there are fewer groups than threads: neighbouring segments overlap by a block.
    segments = groups.count >= input.threads ? 1 : input.threads.dividedRoundingUp(by: groups.count)
  }

  mutating func next() -> Py1eSegment<ID>? {
    if ready.isEmpty, group < groups.count { makeSegments() }
    return ready.popLast()
  }

  private mutating func makeSegments() {
    let pieces = groups[group]
    let count = counts[group]
    group += 1
    let samples = units.samples(of: pieces, count: count) { generator.shuffle($0) }
    let lengths = pieces.map(\.count)
    let parts = count < 1 << 18 ? 1 : segments
    let reach = sizes.high / 2 + 1
    var firsts = [Py1eSegment<ID>.Start?](repeating: nil, count: parts)
    var position = 0
    for (index, length) in lengths.enumerated() {
      for part in 0..<parts where firsts[part] == nil {
        let low = part * count / parts
        if position + length + reach > low || index == lengths.count - 1 {
          firsts[part] = .init(piece: index, position: position, generator: generator)
        }
      }
      _ = generator.integer(in: sizes.range)
      generator.skip(length)
      position += length
    }
    for part in (0..<parts).reversed() {
      guard let first = firsts[part] else { continue }
      ready.append(
        Py1eSegment(
          samples: samples, lengths: lengths, sizes: sizes, start: first,
          places: part * count / parts..<(part + 1) * count / parts))
    }
  }
}
