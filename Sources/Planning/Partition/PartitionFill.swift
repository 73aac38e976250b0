/// Writing a partition's batches into the lists of some ranks.
extension Partition {
  /// Writes every batch of the partition that `place` gives a place.
  ///
  /// - Parameters:
  ///   - samples: the epoch's samples, which the partition's rows index.
  ///   - ranks: today's ranks to write for.
  ///   - length: places of a rank's list in `lists`.
  ///   - places: for each batch, which batch of the lists it becomes, or negative to leave it out; nil for its own number.
  func fill<ID: SampleNumber>(
    _ samples: UnsafeBufferPointer<ID>, ranks: Range<Int>, slotsPerRank: Int, length: Int, places: [Int]?,
    into lists: UnsafeMutableBufferPointer<ID>
  ) {
    let count = places?.count ?? batches
    let plain = min(plainBatches, count)
    let slots = SlotTable(self, ranks: ranks, slotsPerRank: slotsPerRank)
    for batch in 0..<plain {
      let target = places?[batch] ?? batch
      if target < 0 { continue }
      slots.copy(samples, batch: batch, to: target, length: length, into: lists)
    }
    for batch in plain..<max(plain, count) {
      let target = places?[batch] ?? batch
      if target < 0 { continue }
      for (list, rank) in ranks.enumerated() {
        for place in 0..<min(slotsPerRank, length - target * slotsPerRank) {
          if let index = sample(slot: rank * slotsPerRank + place, batch: batch) {
            lists[list * length + target * slotsPerRank + place] = samples[index]
          }
        }
      }
    }
  }
}

/// Row and column of each slot's first entry: the inner loop then needs no division.
private struct SlotTable {
  private let ranks: Range<Int>
  private let slotsPerRank: Int
  private let partition: Partition
  private let rows: [Int32]
  private let columns: [Int]

  init(_ partition: Partition, ranks: Range<Int>, slotsPerRank: Int) {
    self.partition = partition
    self.ranks = ranks
    self.slotsPerRank = slotsPerRank
    let count = partition.rows.count
    let offsets = (ranks.lowerBound * slotsPerRank..<ranks.upperBound * slotsPerRank).map(partition.offset(ofSlot:))
    rows = offsets.map { Int32(truncatingIfNeeded: $0 % count) }
    columns = offsets.map { $0 / count }
  }

  /// Writes one batch in which every slot is a plain entry.
  @inline(__always)
  func copy<ID: SampleNumber>(
    _ samples: UnsafeBufferPointer<ID>, batch: Int, to target: Int, length: Int,
    into lists: UnsafeMutableBufferPointer<ID>
  ) {
    let count = partition.rows.count
    let (column, row) = (partition.dropped + batch * partition.globalBatch).quotientAndRemainder(dividingBy: count)
    partition.rows.starts.withUnsafeBufferPointer { starts in
      rows.withUnsafeBufferPointer { rows in
        columns.withUnsafeBufferPointer { columns in
          var slot = 0
          for list in 0..<ranks.count {
            let first = list * length + target * slotsPerRank
            for place in first..<first + slotsPerRank {
              var slotRow = row + Int(rows[slot])
              var slotColumn = column + columns[slot]
              if slotRow >= count {
                slotRow -= count
                slotColumn += 1
              }
              lists[place] = samples[starts[slotRow] + slotColumn]
              slot += 1
            }
          }
        }
      }
    }
  }
}
