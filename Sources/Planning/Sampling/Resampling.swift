import DatasetModel

/// Draws an epoch's samples from the shards; planning.md §5.
enum Resampling {
  /// The shuffle units of some streams, drawn with one generator.
  ///
  /// `random` batching draws all streams in one call, the other methods one stream a call.
  static func units<ID: SampleNumber>(
    of streams: some Sequence<Int>, _ setup: EpochSetup, firstSamples: [Int], as: ID.Type = ID.self
  ) -> ShuffleUnits<ID> {
    var generator = Generator(seed: setup.sampling == .balanced ? setup.epochSeed : setup.runSeed)
    var units = ShuffleUnits<ID>()
    for stream in streams {
      let sizes = setup.streams[stream].shardSamples
      let quota = ShardQuota.quota(
        sizes, choose: setup.weights.choosePerStream[stream], granularity: setup.options.samplingGranularity,
        seed: setup.choiceSeed)
      var first = firstSamples[stream]
      for (size, count) in zip(sizes, quota) where size > 0 {
        for _ in 0..<(count / size) { units.append(shard: first, count: size) }
        let part = count % size
        if part > 0 {
          var chosen = IntegerSet(below: size, expecting: part)
          for offset in generator.choice(size, part) { chosen.insert(offset) }
          units.append(picking: chosen, of: first, count: part)
        }
        first += size
      }
    }
    return units
  }
}
