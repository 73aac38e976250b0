import DatasetModel

/// Warnings that follow from the request alone.
enum SetupWarnings {
  /// Streams of whose shards one is drawn more than its share, because an empty shard follows it.
  static func quotas(_ setup: EpochSetup) -> [PlanningWarning] {
    setup.streams.indices.compactMap { index in
      let stream = setup.streams[index]
      let granularity = setup.options.samplingGranularity
      guard
        ShardQuota.miscounts(
          stream.shardSamples, choose: setup.weights.choosePerStream[index], granularity: granularity)
      else { return nil }
      return PlanningWarning(
        .samplesRepeated,
        "stream '\(stream.name)' has a shard without samples after one that is not a multiple of sampling_granularity "
          + "\(granularity), which the reference then draws more of than it holds: some samples repeat. Write the "
          + "stream without empty shards, or use sampling_granularity 1")
    }
  }

  /// Streams whose shards are larger than the blocks that `py1e` moves samples within.
  static func blocks(_ setup: EpochSetup) -> [PlanningWarning] {
    guard setup.shuffle == .py1e else { return [] }
    return setup.streams.indices.compactMap { index in
      let portion = setup.batching == .random ? 1 : setup.weights.proportions[index]
      let block = Double(setup.shuffleBlockSize) * portion
      guard let largest = setup.streams[index].shardSamples.max(), 0.75 * block.rounded(.down) < Double(largest) else {
        return nil
      }
      let least = (Double(largest) / 0.75 / portion).rounded(.up)
      return PlanningWarning(
        .blockSmallerThanShard,
        "stream '\(setup.streams[index].name)' has shards of up to \(largest) samples, and shuffle_algo 'py1e' draws "
          + "blocks from \(Int(0.75 * block)) samples on: samples of such shards move little or not at all. Use a "
          + "shuffle_block_size of at least \(least.isFinite && least < 1e15 ? "\(Int(least))" : "a shard's size")")
    }
  }
}
