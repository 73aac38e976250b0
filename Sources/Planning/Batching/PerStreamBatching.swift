import DatasetModel

/// Global batches of one stream each; planning.md §8.3.
enum PerStreamBatching {
  static func batches<ID: SampleNumber>(_ work: PlanningWork) async throws(PlanningError) -> RankLists<ID> {
    let setup = work.setup
    let orders: [[ID]] = try await work.ordersPerStream { stream, samples throws(PlanningError) in
      _ = try Partition(setup, samples: samples, dropping: 0)
    }
    var partitions: [Partition] = []
    for (stream, order) in orders.enumerated() {
      let partition = try Partition(setup, samples: order.count, dropping: 0)
      guard partition.fullBatches > 0 else {
        throw .noFullBatch(
          stream: setup.streams[stream].name.rawValue, samples: order.count, batch: setup.globalBatch, node: nil)
      }
      partitions.append(partition)
    }
    var generator = Generator(seed: setup.choiceSeed)
    let origins = PlanningWork.origins(partitions.map(\.fullBatches), &generator)
    let skipped = work.skippedBatches
    var places = partitions.map { _ in [Int]() }
    for (batch, stream) in origins.enumerated() { places[Int(stream)].append(batch - skipped) }

    let slots = setup.options.batchSize
    let batches = max(0, origins.count - skipped)
    let placed = places
    let parts = partitions
    return await RankLists(
      work, length: batches * slots, batches: batches, warnings: warnings(work, parts, batches)
    ) { ranks, lists in
      for stream in parts.indices {
        orders[stream].withUnsafeBufferPointer {
          parts[stream].fill(
            $0, ranks: ranks, slotsPerRank: slots, length: batches * slots, places: placed[stream], into: lists)
        }
      }
    }
  }

  private static func warnings(_ work: PlanningWork, _ partitions: [Partition], _ batches: Int) -> [PlanningWarning] {
    let setup = work.setup
    var warnings = work.roundedResume
    for (stream, partition) in partitions.enumerated() {
      let name = setup.streams[stream].name.rawValue
      let kept = partition.fullBatches * setup.globalBatch
      let dropped = partition.rows.samplesMissing(fromFirst: kept)
      if dropped > 0 {
        warnings.append(
          BatchingWarnings.dropped(
            name, dropped, of: partition.rows.samples, batch: "global batch", size: setup.globalBatch))
      }
      warnings += BatchingWarnings.repeated(name, kept - (partition.rows.samples - dropped), of: kept, setup)
    }
    if batches == 0 { warnings.append(BatchingWarnings.nothingLeft(setup)) }
    return warnings
  }
}

/// Warnings that several methods give.
enum BatchingWarnings {
  static func dropped(_ stream: String, _ dropped: Int, of samples: Int, batch: String, size: Int) -> PlanningWarning {
    PlanningWarning(
      .samplesDropped,
      "\(dropped) of the \(samples) samples drawn from stream '\(stream)' are in no batch, because they do not fill "
        + "a whole \(batch) of \(size). Choose a number of samples that is a multiple of \(size), or batching_method "
        + "'random'")
  }

  /// None if no place repeats a sample.
  static func repeated(_ stream: String, _ repeats: Int, of places: Int, _ setup: EpochSetup) -> [PlanningWarning] {
    if repeats <= 0 { return [] }
    return [
      PlanningWarning(
        .samplesRepeated,
        "\(repeats) of the \(places) places of stream '\(stream)' repeat a sample, because its samples do not divide "
          + "over \(setup.canonicalNodes) canonical nodes and \(setup.world.ranks) ranks. Choose a number of samples "
          + "that is a multiple of both")
    ]
  }

  static func nothingLeft(_ setup: EpochSetup) -> PlanningWarning {
    PlanningWarning(
      .emptyEpoch,
      "epoch \(setup.epoch) has no batch from sample \(setup.sampleInEpoch) on. The next epoch follows; to skip the "
        + "empty one resume at epoch \(setup.epoch + 1), sample 0")
  }
}
