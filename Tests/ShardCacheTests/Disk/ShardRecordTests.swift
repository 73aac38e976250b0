import DatasetModel
import Testing

@testable import ShardCache

@Suite struct ShardRecordTests {
  private func record(name: String) throws -> ShardRecord {
    ShardRecord(
      key: try #require(ShardKey(hexadecimal: "00112233445566778899aabbccddeeff")), stream: "a \\ b\nc", name: name,
      verified: ["xxh64", "sha1"],
      files: [
        ShardRecord.File(name: "meta", bytes: 0, hash: [:]),
        ShardRecord.File(name: "data", bytes: 1 << 40, hash: ["xxh64": "0123456789abcdef"]),
      ])
  }

  @Test func readsWhatItWrote() throws {
    let record = try record(name: "part 0/shard\n.mds")
    let bytes = try #require(record.encoded)
    #expect(ShardRecord(decoding: bytes) == record)
    #expect(record.facts.residentBytes == 1 << 40 + ShardRecord.chargedBytes)
  }

  @Test func noticesEveryDamagedByteAndEveryMissingEnd() throws {
    let bytes = try #require(try record(name: "shard.00000.mds").encoded)
    for place in bytes.indices {
      var damaged = bytes
      damaged[place] ^= 1
      #expect(ShardRecord(decoding: damaged) == nil, "byte \(place)")
      #expect(ShardRecord(decoding: Array(bytes[..<place])) == nil, "cut at \(place)")
    }
    #expect(ShardRecord(decoding: bytes + [10]) == nil)
  }

  @Test func refusesToBeLargerThanItIsCounted() throws {
    #expect(try record(name: String(repeating: "x", count: 5000)).encoded == nil)
  }

  @Test func namesGiveBackTheirKey() throws {
    let key = try #require(ShardKey(hexadecimal: "00112233445566778899aabbccddeeff"))
    for name in ["shard.00000.mds", "part-0/-.x", "…", ""] {
      let made = CacheLayout.copyName(name, key)
      #expect(made.allSatisfy { $0.isASCII && $0 != "/" })
      #expect(!made.hasPrefix("."))
      #expect(CacheLayout.key(inName: made) == key)
      #expect(CacheLayout.key(inName: "\(made).17") == key)
    }
    for name in ["data", "shard-00", "x-\(key.hexadecimal).part", "x-\(key.hexadecimal.uppercased())", "."] {
      #expect(CacheLayout.key(inName: name) == nil, "\(name)")
    }
  }
}
