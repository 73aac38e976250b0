/// A stream of samples laid out in one row per canonical node, and read column by column; planning.md §6.1, steps 3–5.
///
/// Rows have equal length, so the last sample of a shorter one appears twice, and where several physical nodes share a
/// canonical one, columns are padded until they divide.
struct Rows: Sendable {
  /// Samples to lay out.
  let samples: Int
  /// Rows: canonical nodes.
  let count: Int
  /// Entries of a row before padding.
  let length: Int
  /// Entries of a row with padding.
  let paddedLength: Int
  /// Physical nodes that share a row; 1 unless there are more of them than rows.
  let sharers: Int
  /// The first sample of each row.
  let starts: [Int]
  /// False when there are too few samples for every row to have some of its own: rows then wrap around.
  let areDistinct: Bool

  /// - Throws: `PlanningError.rowsTooShort`.
  init(samples: Int, canonicalNodes count: Int, physicalNodes: Int) throws(PlanningError) {
    self.samples = samples
    self.count = count
    length = samples.dividedRoundingUp(by: count)
    sharers = count < physicalNodes ? physicalNodes / count : 1
    paddedLength = length.dividedRoundingUp(by: sharers) * sharers
    areDistinct = samples > count || (samples == count && count >= physicalNodes)
    starts = (0..<count).map { Self.boundary($0, of: samples, in: count) }
    if areDistinct, paddedLength > length, length < (paddedLength - length) + sharers - 1 {
      throw .rowsTooShort(samples: samples, canonical: count, physical: physicalNodes)
    }
  }

  /// Where part `index` of `count` equal parts of `total` begins.
  static func boundary(_ index: Int, of total: Int, in count: Int) -> Int { index * total / count }

  /// Entries of all rows.
  var entries: Int { count * paddedLength }

  /// Entries from the first on, read column by column, that are `starts[row] + column`.
  var plainEntries: Int { areDistinct ? (length - 1) * count : 0 }

  /// The sample at a row and column.
  func sample(row: Int, column: Int) -> Int {
    guard areDistinct else { return (row * paddedLength + column) % samples }
    if column >= length {
      return sample(row: row, column: 2 * length - paddedLength - sharers + 1 + column - length)
    }
    let end = row + 1 < count ? starts[row + 1] : samples
    let isShort = column == length - 1 && end - starts[row] < length
    return starts[row] + column - (isShort ? 1 : 0)
  }

  /// The sample at a position of the column by column reading.
  func sample(at position: Int) -> Int { sample(row: position % count, column: position / count) }

  /// Samples of a row, without repeats.
  func ownSamples(ofRow row: Int) -> Int { (row + 1 < count ? starts[row + 1] : samples) - starts[row] }

  /// How many samples are not among the first `kept` entries of the column by column reading.
  ///
  /// Repeats and padding come after the sample's own entry, so only own entries count.
  func samplesMissing(fromFirst kept: Int) -> Int {
    guard areDistinct else { return samples - Set((0..<min(kept, entries)).map(sample(at:))).count }
    var found = min(kept, plainEntries)
    for row in 0..<max(0, min(count, kept - plainEntries)) where ownSamples(ofRow: row) == length { found += 1 }
    return samples - found
  }
}
