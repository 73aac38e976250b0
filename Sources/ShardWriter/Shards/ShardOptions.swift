import Codecs
import DatasetModel

/// How shards are written; the reference's names and defaults.
public struct ShardOptions: Sendable, Hashable {
  /// The reference's default size limit, 64 MiB.
  public static let defaultSizeLimit = 1 << 26

  /// Bytes of a raw shard after which the next begins; nil for one shard.
  public let sizeLimit: Int?
  public let compression: Compression?
  /// Digest algorithms, sorted, as an index names them.
  public let hashes: [String]

  /// - Parameters:
  ///   - sizeLimit: below 4 GiB, because offsets have 32 bits; nil or 0 for one shard.
  ///   - hashes: in any order.
  public init(
    sizeLimit: Int? = defaultSizeLimit, compression: Compression? = nil, hashes: [String] = []
  ) throws(PackError) {
    if let sizeLimit, !(0...Int(UInt32.max)).contains(sizeLimit) {
      throw PackError(.options, "the size limit of \(sizeLimit) bytes is not below 4 GiB, which a shard cannot pass")
    }
    for (hash, next) in zip(hashes.sorted(), hashes.sorted().dropFirst()) where hash == next {
      throw PackError(.options, "the hash \(quoted(hash)) is named twice")
    }
    do throws(CodecError) {
      _ = try DigestSet(named: hashes)
    } catch { throw PackError(.options, error.description) }
    self.sizeLimit = sizeLimit == 0 ? nil : sizeLimit
    self.compression = compression
    self.hashes = hashes.sorted()
  }

  /// Reads the options as the command line gives them: `64mb`, `zstd:7`, `sha1,xxh64`.
  public static func parse(
    sizeLimit: String, compression: String?, hashes: String?
  ) throws(PackError) -> ShardOptions {
    guard let bytes = ByteCount.parse(sizeLimit) else {
      throw PackError(.options, "\(quoted(sizeLimit)) is no size; write bytes, or 64mb")
    }
    let parsed: Compression?
    do throws(CodecError) {
      parsed = try compression.map { (text) throws(CodecError) in try Compression(parsing: text) }
    } catch { throw PackError(.options, error.description) }
    let names = (hashes ?? "").split(separator: ",").map(String.init)
    return try ShardOptions(sizeLimit: bytes, compression: parsed, hashes: names)
  }
}
