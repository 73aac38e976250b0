/// Where a sample lies: its stream, the shard among that stream's, and its index in the shard. All count from 0.
public struct SamplePlace: Hashable, Sendable {
  /// The stream's number in the dataset.
  public let stream: Int
  /// The shard's number in its stream.
  public let shard: Int
  /// The sample's number in its shard.
  public let index: Int

  /// A place.
  public init(stream: Int, shard: Int, index: Int) {
    self.stream = stream
    self.shard = shard
    self.index = index
  }
}

/// Sample ids of a dataset and the shards that hold them.
///
/// Ids count shards in index order, streams in order. A shard's *number* counts all shards of all streams the same way.
public struct DatasetLayout: Sendable {
  /// The first sample id of each shard, and the number of all samples.
  private let firsts: [Int]
  /// The number of each stream's first shard, and of all shards.
  private let streamShards: [Int]
  /// The shard of every 2^shift-th sample id: where the search for a sample's shard begins.
  private let hints: [Int32]
  private let shift: Int

  /// A dataset whose streams' shards hold the given numbers of samples.
  public init(shardSamples: [[Int]]) {
    var firsts = [0]
    var streamShards = [0]
    var samples = 0
    for stream in shardSamples {
      for count in stream {
        samples += count
        firsts.append(samples)
      }
      streamShards.append(firsts.count - 1)
    }
    self.firsts = firsts
    self.streamShards = streamShards
    // About four hints a shard: a search then looks at one or two shards, and hints take little beside shards.
    var shift = 0
    while samples >> shift > 4 * firsts.count { shift += 1 }
    self.shift = shift
    var shard = 0
    hints = (0...(samples >> shift)).map { step in
      while shard + 2 < firsts.count, firsts[shard + 1] <= step << shift { shard += 1 }
      return Int32(truncatingIfNeeded: shard)
    }
  }

  /// The layout of a request's streams.
  public init(_ streams: [PlanStream]) { self.init(shardSamples: streams.map(\.shardSamples)) }

  /// Samples of all streams.
  public var samples: Int { firsts[firsts.count - 1] }
  /// Shards of all streams.
  public var shards: Int { firsts.count - 1 }
  /// Number of streams.
  public var streams: Int { streamShards.count - 1 }

  /// The number of the shard that holds a sample.
  public func shardNumber(ofSample sample: Int) -> Int {
    precondition(sample >= 0 && sample < samples, "sample \(sample) is not one of the dataset's \(samples)")
    var low = Int(hints[sample >> shift])
    // Shards after the hint: gallop, then bisect, so that a stretch of tiny shards costs a logarithm.
    var step = 1
    while low + step < shards, firsts[low + step] <= sample {
      low += step
      step *= 2
    }
    var high = Swift.min(low + step, shards)
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if firsts[middle] <= sample { low = middle } else { high = middle }
    }
    return low
  }

  /// Where a sample lies.
  public func place(ofSample sample: Int) -> SamplePlace {
    let number = shardNumber(ofSample: sample)
    let (stream, shard) = shard(number: number)
    return SamplePlace(stream: stream, shard: shard, index: sample - firsts[number])
  }

  /// A shard's stream, and its number in that stream.
  public func shard(number: Int) -> (stream: Int, shard: Int) {
    var low = 0
    var high = streams
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if streamShards[middle] <= number { low = middle } else { high = middle }
    }
    return (low, number - streamShards[low])
  }

  /// The number of a stream's shard.
  public func number(stream: Int, shard: Int) -> Int { streamShards[stream] + shard }

  /// The sample ids of a shard.
  public func samples(ofShard number: Int) -> Range<Int> { firsts[number]..<firsts[number + 1] }
}
