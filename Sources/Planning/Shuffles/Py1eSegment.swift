/// A run of places in one canonical node's order, and the samples that may come to lie there.
///
/// A sample moves at most half a block, so the order is sorted as a window slides over it: samples fall into buckets of
/// neighbouring places, and a bucket is sorted and emitted once no later sample can reach it. Memory is that of the
/// window. Equal places keep the order in which the samples came (planning.md §11).
struct Py1eSegment<ID: SampleNumber>: Sendable {
  /// Where in the canonical node, and in the random sequence, the segment starts to look.
  struct Start: Sendable {
    let piece: Int
    let position: Int
    let generator: Generator
  }

  /// The samples of the canonical node, each piece shuffled.
  let samples: [ID]
  /// Samples of each piece.
  let lengths: [Int]
  let sizes: BlockSizes
  let start: Start
  /// The places to emit, by their integer part.
  let places: Range<Int>

  /// The samples that come to lie in `places`, in order.
  func sorted() -> [ID] {
    // A place is at most the last index, so nothing lies past a group's end; a segment may hold a few more or fewer
    // samples than places.
    var window = PlaceWindow<ID>(places)
    samples.withUnsafeBufferPointer { samples in
      var generator = start.generator
      var position = start.position
      let reach = sizes.high / 2 + 1
      for length in lengths[start.piece...] {
        if position - reach > places.upperBound { break }
        let size = generator.integer(in: sizes.range)
        let half = max(Double(size - length) / 2, 0)
        let left = max(-half, -Double(position))
        let right = min(half, Double(samples.count - position - length))
        let piece = UnsafeBufferPointer(rebasing: samples[position..<position + length])
        window.insert(piece, at: position, from: left, width: right - left, &generator)
        position += length
        window.emit(before: position - reach)
      }
      window.emit(before: .max)
    }
    return window.order
  }
}
