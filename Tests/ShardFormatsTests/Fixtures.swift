import Codecs
import DatasetModel
import Foundation
import ShardFormats

/// The twelve datasets that mosaicml-streaming 0.13.0 wrote, by path relative to this file.
enum Fixture: String, CaseIterable {
  case csv
  case jsonl
  case jsonlZstd = "jsonl_zstd"
  case mdsBr = "mds_br"
  case mdsBz2 = "mds_bz2"
  case mdsEveryEncoding = "mds_every_encoding"
  case mdsGz = "mds_gz"
  case mdsMerged = "mds_merged"
  case mdsPlain = "mds_plain"
  case mdsSnappy = "mds_snappy"
  case mdsZstd = "mds_zstd"
  case tsvGz = "tsv_gz"

  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/datasets")

  var directory: URL { Self.root.appending(path: rawValue) }

  func bytes(_ name: String) throws -> [UInt8] { [UInt8](try Data(contentsOf: directory.appending(path: name))) }

  func manifest() throws -> StreamManifest { try parseIndex(bytes("index.json"), stream: StreamName(rawValue)) }

  /// The raw bytes of one file of a shard, decompressed if need be.
  func raw(_ pair: FilePair, of shard: ShardDescriptor) throws -> [UInt8] {
    guard let zip = pair.zip else { return try bytes(pair.raw.basename) }
    let compression = try Compression(parsing: shard.compression ?? "")
    return try Decompressor.bytes(compression.family, try bytes(zip.basename), promisedBytes: pair.raw.bytes)
  }

  /// What each sample decodes to, a JSON object per line.
  func expected() throws -> [[String: Any]] {
    try String(decoding: bytes("expected.jsonl"), as: UTF8.self).split(separator: "\n").map {
      try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
    }
  }
}

/// A small deterministic generator (SplitMix64), so that a failing case can be made again from its seed.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}
