/// The sample ids of some consecutive ranks, each in the order in which the rank consumes them.
///
/// A rank's list is its device batches one after the other; a vacant place holds `ID.max`. Lists have equal length, and
/// what lies past their end is vacant.
struct RankLists<ID: SampleNumber>: Sendable {
  /// Lists of consecutive ranks, made by one thread.
  struct Block: Sendable {
    let ranks: Range<Int>
    /// `ranks.count` × `length` ids.
    let ids: [ID]
  }

  /// Places of each list.
  let length: Int
  /// Device batches of each rank, from the resume point on.
  let batches: Int
  let blocks: [Block]
  let warnings: [PlanningWarning]

  /// Makes the lists of a work's ranks, some ranks on each thread.
  ///
  /// - Parameter fill: writes the lists of some ranks into a buffer of `ranks.count` × `length` vacant places.
  init(
    _ work: PlanningWork, length: Int, batches: Int, warnings: [PlanningWarning],
    fill: @escaping @Sendable (Range<Int>, UnsafeMutableBufferPointer<ID>) -> Void
  ) async {
    self.length = length
    self.batches = batches
    self.warnings = warnings
    let ranks = work.ranks
    let parts = max(1, min(work.threads, ranks.count))
    var next = 0
    var blocks: [Block] = []
    await inOrder(threads: work.threads) { () -> Range<Int>? in
      guard next < parts else { return nil }
      defer { next += 1 }
      return ranks.lowerBound + next * ranks.count / parts..<ranks.lowerBound + (next + 1) * ranks.count / parts
    } run: { part in
      let ids = [ID](unsafeUninitializedCapacity: part.count * length) { buffer, filled in
        let places = UnsafeMutableBufferPointer(rebasing: buffer[..<(part.count * length)])
        places.initialize(repeating: .max)
        fill(part, places)
        filled = places.count
      }
      return Block(ranks: part, ids: ids)
    } take: { block in
      blocks.append(block)
    }
    self.blocks = blocks
  }
}
