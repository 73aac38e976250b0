import Codecs
import DatasetModel

/// What a shard is, whoever asks for it: the stream's location, the shard's files, their sizes and their digests.
///
/// Two datasets, or a job's training and evaluation, that name the same shard have the same key and share one copy and
/// one download. When a remote's index changes a shard under the same basename, the key is another, and the old copy's
/// bytes are never mixed with the new one's.
public struct ShardKey: Hashable, Sendable, CustomStringConvertible {
  private let high: UInt64
  private let low: UInt64

  /// The key of `shard` in the stream at `location` (without credentials, as errors and logs name it).
  public init(location: String, shard: ShardDescriptor) {
    var text = "sluice shard 1\n\(location.utf8.count) \(location)\n\(shard.compression ?? "-")\n"
    for file in shard.files {
      ShardKey.append(file.raw, "raw", to: &text)
      if let zip = file.zip { ShardKey.append(zip, "zip", to: &text) }
    }
    let digest = Digest.sha256(text.utf8)
    high = ShardKey.number(digest[0..<8])
    low = ShardKey.number(digest[8..<16])
  }

  /// The key whose `hexadecimal` is `text`; nil when it is not 32 lower-case digits.
  init?(hexadecimal text: some StringProtocol) {
    let written = String(text)
    guard written.utf8.count == 32, written == written.lowercased(), let bytes = Hexadecimal.decode(written) else {
      return nil
    }
    high = ShardKey.number(bytes[0..<8])
    low = ShardKey.number(bytes[8..<16])
  }

  /// 32 digits that tell the key from every other; part of the copy's name on disk.
  public var hexadecimal: String {
    func bytes(_ number: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) } }
    return Hexadecimal.encode(bytes(high) + bytes(low))
  }

  public var description: String { hexadecimal }

  private static func append(_ file: FileRecord, _ form: String, to text: inout String) {
    text += "\(form) \(file.basename.utf8.count) \(file.basename) \(file.bytes)"
    for (name, digest) in file.hashes.sorted(by: { $0.key < $1.key }) { text += " \(name)=\(digest)" }
    text += "\n"
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }
}
