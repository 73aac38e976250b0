import DatasetModel

/// Global batches with the same share of every stream; planning.md §8.2.
enum StratifiedBatching {
  /// One stream's part of every global batch.
  private struct Layer<ID: SampleNumber>: Sendable {
    let samples: [ID]
    let rows: Rows
    /// Places of the global batch that the stream fills, one after the other.
    let slots: Range<Int>
    /// Entries, with the padding that makes ranks equal.
    let entries: Int
    var pieces: Int { entries / slots.count }
  }

  static func batches<ID: SampleNumber>(_ work: PlanningWork) async throws(PlanningError) -> RankLists<ID> {
    let setup = work.setup
    let orders: [[ID]] = try await work.ordersPerStream { stream, samples throws(PlanningError) in
      // The reference checks the partition it makes for its rank padding as it does any other.
      _ = try Rows(samples: samples, canonicalNodes: setup.canonicalNodes, physicalNodes: 1)
    }
    let portions = portions(setup.weights.proportions, of: setup.globalBatch)
    var layers: [Layer<ID>] = []
    var slot = 0
    for (stream, order) in orders.enumerated() {
      guard portions[stream] > 0 else {
        throw .batchPortionZero(
          stream: setup.streams[stream].name.rawValue, globalBatch: setup.globalBatch,
          proportion: setup.weights.proportions[stream])
      }
      let rows = try Rows(samples: order.count, canonicalNodes: setup.canonicalNodes, physicalNodes: 1)
      let ranks = setup.world.ranksPerNode
      layers.append(
        Layer(
          samples: order, rows: rows, slots: slot..<slot + portions[stream],
          entries: rows.entries.dividedRoundingUp(by: ranks) * ranks))
      slot += portions[stream]
    }
    let all = layers.map(\.pieces).min() ?? 0
    let skipped = work.skippedBatches
    let batches = max(0, all - skipped)
    let size = setup.options.batchSize
    let made = layers
    let ranksPerNode = setup.world.ranksPerNode
    return await RankLists(
      work, length: batches * size, batches: batches, warnings: warnings(work, made, all: all)
    ) { ranks, lists in
      for layer in made {
        write(
          layer, batches: skipped..<skipped + batches, ranks: ranks, size: size, ranksPerNode: ranksPerNode,
          into: lists)
      }
    }
  }

  /// How many places of the global batch each stream gets. Streams with the largest fractions get the rest; among equal
  /// fractions the later stream first (planning.md §11).
  static func portions(_ proportions: [Double], of globalBatch: Int) -> [Int] {
    let size = Double(globalBatch)
    var portions = proportions.map { Int($0 * size) }
    let missing = globalBatch - portions.reduce(0, +)
    guard missing != 0 else { return portions }
    let fractions = zip(proportions, portions).map { size * $0 - Double($1) }
    let descending = fractions.indices.sorted {
      fractions[$0] != fractions[$1] ? fractions[$0] > fractions[$1] : $0 > $1
    }
    for stream in descending.prefix(max(0, missing)) { portions[stream] += 1 }
    return portions
  }

  private static func write<ID: SampleNumber>(
    _ layer: Layer<ID>, batches: Range<Int>, ranks: Range<Int>, size: Int, ranksPerNode: Int,
    into lists: UnsafeMutableBufferPointer<ID>
  ) {
    let rows = layer.rows
    let plain = rows.plainEntries
    layer.samples.withUnsafeBufferPointer { samples in
      for (list, rank) in ranks.enumerated() {
        let slots = layer.slots.clamped(to: rank * size..<(rank + 1) * size)
        if slots.isEmpty { continue }
        for batch in batches {
          let first = batch * layer.slots.count + slots.lowerBound - layer.slots.lowerBound
          var target = (list * batches.count + batch - batches.lowerBound) * size + slots.lowerBound - rank * size
          var (column, row) = first.quotientAndRemainder(dividingBy: rows.count)
          for entry in first..<first + slots.count {
            let index =
              entry < plain
              ? rows.starts[row] + column : paddedSample(rows, entry: entry, ranksPerNode: ranksPerNode)
            lists[target] = samples[index]
            target += 1
            row += 1
            if row == rows.count {
              row = 0
              column += 1
            }
          }
        }
      }
    }
  }

  /// The sample at an entry of the rows read column by column, continued by the rank padding of one node.
  private static func paddedSample(_ rows: Rows, entry: Int, ranksPerNode: Int) -> Int {
    if entry < rows.entries { return rows.sample(at: entry) }
    let padding = rows.entries.dividedRoundingUp(by: ranksPerNode) * ranksPerNode - rows.entries
    let index = entry - rows.entries
    return rows.sample(
      at: ranksPerNode + padding - 1 <= rows.entries
        ? rows.entries - ranksPerNode - padding + 1 + index : index % rows.entries)
  }

  private static func warnings<ID>(_ work: PlanningWork, _ layers: [Layer<ID>], all: Int) -> [PlanningWarning] {
    let setup = work.setup
    var warnings = work.roundedResume
    if all == 0 {
      let poorest = layers.indices.first { layers[$0].pieces == 0 } ?? 0
      warnings.append(
        PlanningWarning(
          .emptyEpoch,
          "the epoch has no batch: stream '\(setup.streams[poorest].name)' draws \(layers[poorest].samples.count) "
            + "samples, fewer than the \(layers[poorest].slots.count) it has in a global batch of "
            + "\(setup.globalBatch). Raise epoch_size or lower batch_size"))
      return warnings
    }
    if all <= work.skippedBatches { warnings.append(BatchingWarnings.nothingLeft(setup)) }
    for (stream, layer) in layers.enumerated() {
      let kept = all * layer.slots.count
      let dropped = layer.rows.samplesMissing(fromFirst: kept)
      let name = setup.streams[stream].name.rawValue
      warnings += BatchingWarnings.repeated(name, kept - (layer.samples.count - dropped), of: kept, setup)
      if dropped > 0 {
        warnings.append(
          PlanningWarning(
            .samplesDropped,
            "\(dropped) of the \(layer.samples.count) samples drawn from stream '\(name)' are "
              + "in no batch: every stream is cut to the \(all) batches that the shortest one fills, with "
              + "\(layer.slots.count) of its samples each. Choose samples in the ratio of the proportions, and a "
              + "multiple of the global batch of \(setup.globalBatch)"))
      }
    }
    return warnings
  }
}
