/// Shuffles shards, then blocks of samples of a random size, staggered differently for each canonical node.
enum Py1br {
  static func order<ID: SampleNumber>(_ input: ShuffleInput<ID>) throws(PlanningError) -> [ID] {
    let sizes = try BlockSizes(input.block, algorithm: .py1br)
    guard sizes.low >= 1 else { throw .blockTooSmall(algorithm: "py1br", block: input.block, least: 2) }
    let start = UnitGroups(input)
    var generator = start.generator
    let staggers = start.groups.map { _ in generator.integer(in: 0..<sizes.low) }
    var samples = input.units.samples(of: start.groups.joined(), count: input.units.total) { _ in }
    samples.withUnsafeMutableBufferPointer { buffer in
      var first = 0
      for (count, stagger) in zip(start.counts, staggers) {
        let blocks = blocks(first..<first + count, stagger: stagger, sizes: sizes, &generator)
        for block in blocks { generator.shuffle(UnsafeMutableBufferPointer(rebasing: buffer[block])) }
        first += count
      }
    }
    return samples
  }

  /// The blocks of one canonical node. They overlap at its start, and may leave its last samples in no block.
  private static func blocks(
    _ node: Range<Int>, stagger: Int, sizes: BlockSizes, _ generator: inout Generator
  ) -> [Range<Int>] {
    var blocks: [Range<Int>] = []
    var done = node.lowerBound
    while done < node.upperBound {
      let size = generator.integer(in: sizes.range)
      let low = max(done - stagger, node.lowerBound)
      let high = min(done - stagger + size, node.upperBound)
      blocks.append(low..<high)
      done += high - low
    }
    return blocks
  }
}

/// The sizes a shuffle block is drawn from: three to five quarters of the option.
struct BlockSizes: Sendable {
  let low: Int
  let high: Int
  var range: Range<Int> { low..<high }

  init(_ block: Int, algorithm: ShuffleAlgorithm) throws(PlanningError) {
    low = Int(0.75 * Double(block))
    high = Int(1.25 * Double(block))
    guard low < high else { throw .blockTooSmall(algorithm: algorithm.rawValue, block: block, least: 1) }
  }
}
