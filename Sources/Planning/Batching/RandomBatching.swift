import DatasetModel

/// Batches of samples from all streams, drawn and shuffled together; planning.md §8.1.
enum RandomBatching {
  static func batches<ID: SampleNumber>(_ work: PlanningWork) async throws(PlanningError) -> RankLists<ID> {
    let setup = work.setup
    let partition: Partition
    let samples: [ID]
    // The order of checks is the reference's: draw, partition, shuffle.
    guard setup.epochSize > 0 else { throw .nothingDrawn(stream: nil, method: setup.batching.rawValue) }
    partition = try Partition(setup, samples: setup.epochSize, dropping: setup.sampleInEpoch)
    samples = try await work.order(of: setup.streams.indices, block: setup.shuffleBlockSize)
    let slots = setup.options.batchSize
    let batches = partition.batches
    let length = partition.isReread ? batches * slots : partition.rankEntries
    return await RankLists(
      work, length: length, batches: batches, warnings: warnings(setup, partition)
    ) { ranks, lists in
      samples.withUnsafeBufferPointer {
        partition.fill($0, ranks: ranks, slotsPerRank: slots, length: length, places: nil, into: lists)
      }
    }
  }

  private static func warnings(_ setup: EpochSetup, _ partition: Partition) -> [PlanningWarning] {
    var warnings: [PlanningWarning] = []
    let samples = setup.epochSize
    let delivered = partition.rankEntries * partition.ranksPerNode * partition.nodes
    let total = delivered + partition.dropped
    if total > samples {
      warnings.append(
        PlanningWarning(
          .samplesRepeated,
          "\(total - samples) of \(total) places repeat a sample, because \(samples) samples do not divide over "
            + "\(setup.canonicalNodes) canonical nodes and \(setup.world.ranks) ranks. An epoch_size that is a "
            + "multiple of both repeats none"))
    }
    let bound = samples + setup.world.ranks - samples % setup.world.ranks
    if total > bound {
      warnings.append(
        PlanningWarning(
          .endCheckpointRefused,
          "a checkpoint saved at this epoch's end would say sample_in_epoch \(total), and at most \(bound) can be "
            + "resumed from. Save it after the next epoch has begun, or lower num_canonical_nodes"))
    }
    let rest = setup.sampleInEpoch - partition.dropped
    if rest > 0 {
      warnings.append(
        PlanningWarning(
          .resumeRounded,
          "sample \(setup.sampleInEpoch) is not a multiple of \(partition.nodes) nodes: the epoch continues at sample "
            + "\(partition.dropped), so \(rest) samples come again. Resume from a checkpoint that counts whole "
            + "global batches"))
    }
    if delivered == 0 {
      warnings.append(
        PlanningWarning(
          .emptyEpoch,
          "nothing is left of epoch \(setup.epoch) after sample \(setup.sampleInEpoch): it has no batch. "
            + "The next epoch follows; to skip the empty one resume at epoch \(setup.epoch + 1), sample 0"))
    }
    return warnings
  }
}
