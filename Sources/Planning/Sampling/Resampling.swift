import DatasetModel

/// Draws an epoch's samples from the shards; planning.md §5.
enum Resampling {
  /// The shuffle units of some streams, drawn with one generator.
  ///
  /// `random` batching draws all streams in one call, the other methods one stream a call. Each stream's quotas have a
  /// generator of their own, so streams are settled at the same time; the choice within shards is one sequence.
  static func units<ID: SampleNumber>(
    of streams: Range<Int>, _ work: PlanningWork, as: ID.Type = ID.self
  ) async -> ShuffleUnits<ID> {
    let setup = work.setup
    var quotas: [[Int]] = []
    var next = streams.lowerBound
    await inOrder(threads: work.threads) {
      defer { next += 1 }
      return next < streams.upperBound ? next : nil
    } run: { stream in
      ShardQuota.quota(
        setup.streams[stream].shardSamples, choose: setup.weights.choosePerStream[stream],
        granularity: setup.options.samplingGranularity, seed: setup.choiceSeed)
    } take: {
      quotas.append($0)
    }
    return draw(streams, quotas, work)
  }

  private static func draw<ID: SampleNumber>(
    _ streams: Range<Int>, _ quotas: [[Int]], _ work: PlanningWork
  ) -> ShuffleUnits<ID> {
    let setup = work.setup
    var generator = Generator(seed: setup.sampling == .balanced ? setup.epochSeed : setup.runSeed)
    var units = ShuffleUnits<ID>()
    var parts = 0
    for (stream, quota) in zip(streams, quotas) {
      for (size, count) in zip(setup.streams[stream].shardSamples, quota) where size > 0 { parts += count % size }
    }
    let picked = [ID](unsafeUninitializedCapacity: parts) { buffer, filled in
      for (stream, quota) in zip(streams, quotas) {
        var first = work.firstSamples[stream]
        for (size, count) in zip(setup.streams[stream].shardSamples, quota) where size > 0 {
          for _ in 0..<(count / size) { units.append(shard: first, count: size) }
          let part = count % size
          if part > 0 {
            units.append(pickedFrom: filled, count: part)
            generator.sortedChoice(size, part) { offset in
              buffer[filled] = ID(truncatingIfNeeded: first + offset)
              filled += 1
            }
          }
          first += size
        }
      }
    }
    units.picked = picked
    return units
  }
}
