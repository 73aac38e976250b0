/// What a packer knows between two steps: batches that came early, the shard being filled, the shards written.
struct PackState {
  private var cutter: ShardCutter
  private var early: [Int: (samples: SampleBatch, inputBytes: Int)] = [:]
  private var begun = 0
  private var taken = 0
  private var shards: [WrittenShard] = []
  private(set) var progress: Packer.Progress

  init(cutter: ShardCutter, totalInputBytes: Int) {
    self.cutter = cutter
    progress = Packer.Progress()
    progress.totalInputBytes = totalInputBytes
  }

  /// The number of the next batch.
  mutating func begin() -> Int {
    defer { begun += 1 }
    return begun
  }

  /// Batches begun and not yet cut into shards.
  var waitingBatches: Int { begun - taken }

  /// The shards written so far, in order.
  var written: [WrittenShard] { shards.sorted { $0.number < $1.number } }

  /// Takes in an encoded batch; answers the shards that are complete now.
  mutating func take(
    batch number: Int, _ samples: SampleBatch, inputBytes: Int
  ) throws(PackError) -> [PendingShard] {
    early[number] = (samples, inputBytes)
    var complete: [PendingShard] = []
    while let next = early.removeValue(forKey: taken) {
      complete += try cutter.add(next.samples)
      progress.samples += next.samples.lengths.count
      progress.inputBytes += next.inputBytes
      taken += 1
    }
    return complete
  }

  mutating func take(_ shard: WrittenShard) {
    shards.append(shard)
    progress.shards += 1
    progress.writtenBytes += shard.storedBytes
  }

  /// The last shard, once every batch has been taken in.
  mutating func finish() -> PendingShard? { cutter.finish() }
}
