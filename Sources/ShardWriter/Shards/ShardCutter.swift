/// Decides where one shard ends and the next begins, as the reference does (formats.md §2).
///
/// A shard's size counts its head of 8 bytes and settings, and each sample with 4 bytes for its offset; the sample that
/// would take it over the limit begins the next shard. So a sample larger than the limit has a shard of its own, and one
/// that comes first of all leaves an empty shard before it.
struct ShardCutter: Sendable {
  private let sizeLimit: Int?
  private let configuration: [UInt8]
  private var pending = PendingShard(number: 0)
  private var size: Int

  init(configuration: String, sizeLimit: Int?) {
    self.configuration = Array(configuration.utf8)
    self.sizeLimit = sizeLimit
    size = 8 + self.configuration.count
  }

  /// Adds samples; answers the shards that are complete.
  mutating func add(_ batch: SampleBatch) throws(PackError) -> [PendingShard] {
    var complete: [PendingShard] = []
    var start = 0
    for length in batch.lengths {
      if let sizeLimit, sizeLimit < size + length + 4 { complete.append(cut()) }
      pending.bytes += batch.bytes[start..<start + length]
      pending.lengths.append(length)
      size += length + 4
      start += length
      // Offsets have 32 bits; the reference's own overflow unseen.
      guard size + 4 <= Int(UInt32.max) else {
        throw PackError(.limit, "shard \(pending.number) would pass 4 GiB, which its offsets cannot; give a size limit")
      }
    }
    return complete
  }

  /// The last shard, if there are samples in it.
  mutating func finish() -> PendingShard? { pending.lengths.isEmpty ? nil : cut() }

  private mutating func cut() -> PendingShard {
    var shard = PendingShard(number: pending.number + 1)
    swap(&shard, &pending)
    size = 8 + configuration.count
    return shard
  }
}

/// The samples of a shard before they are put together as a file.
struct PendingShard: Sendable {
  let number: Int
  var bytes: [UInt8] = []
  var lengths: [Int] = []

  init(number: Int) { self.number = number }

  /// The MDS file: count, offsets, settings, samples.
  func file(configuration: String) -> [UInt8] {
    let head = 4 + 4 * (lengths.count + 1) + configuration.utf8.count
    var file: [UInt8] = []
    file.reserveCapacity(head + bytes.count)
    func append(_ number: Int) {
      withUnsafeBytes(of: UInt32(number).littleEndian) { file += $0 }
    }
    append(lengths.count)
    var offset = head
    append(offset)
    for length in lengths {
      offset += length
      append(offset)
    }
    file += Array(configuration.utf8)
    file += bytes
    return file
  }
}
