import LinuxSystem
import WireProtocol

/// Reads the samples of a request one after another into a buffer that is used again.
struct InlineBytes {
  private(set) var bytes: [UInt8] = []

  /// Fills the buffer and answers where each sample begins in it, and where the last one ends.
  ///
  /// - Parameters:
  ///   - limit: most bytes that a reply may have.
  ///   - name: what a shard is called in an error.
  mutating func fill(
    _ samples: [(shard: OpenShard, range: Range<Int>)], limit: Int, name: (Int) -> String
  ) throws(ServerError) -> [UInt64] {
    var offsets: [UInt64] = [0]
    offsets.reserveCapacity(samples.count + 1)
    var total = 0
    for sample in samples {
      total += sample.range.count
      offsets.append(UInt64(total))
    }
    guard total <= limit else {
      throw ServerError(
        .tooMuch,
        "the samples have \(total) bytes, and a reply may have \(limit); ask for fewer batches at a time, or "
          + "for descriptors")
    }
    if bytes.count < total { bytes = [UInt8](repeating: 0, count: total) }
    var failure: ServerError?
    bytes.withUnsafeMutableBytes { buffer in
      for (index, sample) in samples.enumerated() where failure == nil {
        let first = Int(offsets[index])
        let part = UnsafeMutableRawBufferPointer(rebasing: buffer[first..<first + sample.range.count])
        do throws(SystemError) {
          let count = try sample.shard.file.read(into: part, at: sample.range.lowerBound)
          if count < part.count {
            failure = ServerError(
              .shardCorrupt,
              "\(name(index)) ends \(part.count - count) bytes before the end of a sample; it was "
                + "changed on disk. Remove it with 'sluice cache evict'")
          }
        } catch {
          failure = ServerError(.shardUnavailable, "\(name(index)) cannot be read: \(error)", cause: error)
        }
      }
    }
    if let failure { throw failure }
    return offsets
  }

  /// Gives back the memory of an unusually large reply.
  mutating func settle(over limit: Int = 16 << 20) {
    if bytes.count > limit { bytes = [] }
  }
}
