import Planning

/// Which of a rank's batches take most of the cache at once: altogether, and of each stream.
struct LargestBatches: Sendable {
  /// A batch and the bytes that its shards take while they are prepared.
  struct Batch: Sendable, Hashable {
    var number = 0
    var bytes = 0
  }

  private(set) var whole = Batch()
  /// By the stream's number in the dataset.
  private(set) var streams: [Batch]

  /// Walks over all of the rank's samples once.
  ///
  /// - Parameters:
  ///   - bytes: what each shard takes at most, by its number in the dataset.
  ///   - streamOf: each shard's stream.
  init(_ plan: EpochPlan, rank: Int, layout: DatasetLayout, bytes: [Int], streamOf: [Int]) {
    streams = Array(repeating: Batch(), count: layout.streams)
    var latest = [Int](repeating: -1, count: layout.shards)
    var sums = [Int](repeating: 0, count: layout.streams)
    var touched: [Int] = []
    for batch in 0..<plan.batchesPerRank {
      var sum = 0
      plan.forEachSample(ofRank: rank, batches: batch..<batch + 1) { sample in
        let shard = layout.shardNumber(ofSample: sample)
        guard latest[shard] != batch else { return }
        latest[shard] = batch
        sum += bytes[shard]
        let stream = streamOf[shard]
        if sums[stream] == 0 { touched.append(stream) }
        sums[stream] += bytes[shard]
      }
      if sum > whole.bytes { whole = Batch(number: batch, bytes: sum) }
      for stream in touched {
        if sums[stream] > streams[stream].bytes { streams[stream] = Batch(number: batch, bytes: sums[stream]) }
        sums[stream] = 0
      }
      touched.removeAll(keepingCapacity: true)
    }
  }
}
