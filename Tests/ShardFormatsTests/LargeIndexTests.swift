import DatasetModel
import Foundation
import ShardFormats
import Testing

/// A million shards of JSON that is made while it is read. The figures are in
/// Tests/Benchmarks/codecs.md.
@Suite struct LargeIndexTests {
  /// A million shards where `SLUICE_LARGE_TESTS` is set, 20,000 otherwise.
  static let shards = ProcessInfo.processInfo.environment["SLUICE_LARGE_TESTS"] == nil ? 20_000 : 1_000_000

  @Test func everyShardArrives() throws {
    var made = 0
    var pending = Array("{\"shards\": [".utf8)
    var parser = IndexParser(stream: "s")
    try parser.add { (buffer) throws(Never) -> Int in
      while pending.count < buffer.count, made < Self.shards {
        let record = RecordText.zipped.replacing("shard.00001", with: "dir/shard.\(made)")
          .replacing("\"samples\": 4", with: "\"samples\": \(made % 100)")
        pending += Array((made == 0 ? record : ", " + record).utf8)
        made += 1
        if made == Self.shards { pending += Array("], \"version\": 2}".utf8) }
      }
      let count = min(buffer.count, pending.count)
      buffer.copyBytes(from: pending[..<count])
      pending.removeFirst(count)
      return count
    }
    let manifest = parser.finish()
    #expect(manifest.shards.count == Self.shards)
    #expect(manifest.schemas.count == 1)
    #expect(manifest.samples == (0..<Self.shards).reduce(0) { $0 + $1 % 100 })
    for shard in [0, 1, Self.shards / 2, Self.shards - 1] {
      #expect(manifest.shards[shard].data.zip?.basename == "dir/shard.\(shard).mds.zstd")
      #expect(manifest.shards[shard].samples == shard % 100)
    }
  }
}
