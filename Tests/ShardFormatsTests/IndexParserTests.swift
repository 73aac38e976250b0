import DatasetModel
import Foundation
import ShardFormats
import Testing

/// One record's texts, to be bent by tests.
struct RecordText {
  static let mds = #"""
    {"column_encodings": ["int", "str"], "column_names": ["a", "b"], "column_sizes": [8, null], "compression": null,
    "format": "mds", "hashes": ["sha1"], "raw_data": {"basename": "shard.00000.mds", "bytes": 1000, "hashes":
    {"sha1": "a9993e364706816aba3e25717850c26c9cd0d89d"}}, "samples": 3, "size_limit": 67108864, "version": 2,
    "zip_data": null}
    """#
  static let zipped = #"""
    {"column_encodings": ["int", "str"], "column_names": ["a", "b"], "column_sizes": [8, null], "compression": "zstd:7",
    "format": "mds", "hashes": [], "raw_data": {"basename": "shard.00001.mds", "bytes": 1000, "hashes": {}},
    "samples": 4, "size_limit": "64mb", "version": 2,
    "zip_data": {"basename": "shard.00001.mds.zstd", "bytes": 10, "hashes": {"xxh64": "44bc2cf5ad770999", "md5":
    "900150983cd24fb0d6963f7d28e17f72"}}}
    """#
  static let json = #"""
    {"columns": {"x": "int", "a": "str"}, "compression": null, "format": "json", "hashes": [], "newline": "\n",
    "raw_data": {"basename": "shard.00002.json", "bytes": 50, "hashes": {}}, "raw_meta": {"basename":
    "shard.00002.json.meta", "bytes": 60, "hashes": {}}, "samples": 2, "size_limit": null, "version": 2,
    "zip_data": null, "zip_meta": null}
    """#
  static let xsv = #"""
    {"column_encodings": ["int", "str"], "column_names": ["a", "b"], "compression": null, "format": "xsv",
    "hashes": [], "newline": "\r\n", "raw_data": {"basename": "p/shard.00003.xsv", "bytes": 50, "hashes": {}},
    "raw_meta": {"basename": "p/shard.00003.xsv.meta", "bytes": 60, "hashes": {}}, "samples": 2, "size_limit": null,
    "separator": ";", "version": 2, "zip_data": null, "zip_meta": null}
    """#

  static func document(_ records: String...) -> [UInt8] {
    Array("{\"shards\": [\(records.joined(separator: ", "))], \"version\": 2}".utf8)
  }
}

@Suite struct IndexParserTests {
  @Test func everyFieldArrives() throws {
    let manifest = try parseIndex(
      RecordText.document(RecordText.mds, RecordText.zipped, RecordText.json, RecordText.xsv), stream: "s")
    #expect(manifest.samples == 11)
    #expect(manifest.samplesPerShard == [3, 4, 2, 2])
    #expect(manifest.schemas.count == 3)
    #expect(
      manifest.shards[0]
        == ShardDescriptor(
          format: .mds, samples: 3,
          data: FilePair(
            raw: FileRecord(
              basename: "shard.00000.mds", bytes: 1000, hashes: ["sha1": "a9993e364706816aba3e25717850c26c9cd0d89d"])),
          schema: 0))
    #expect(
      manifest.shards[1]
        == ShardDescriptor(
          format: .mds, samples: 4,
          data: FilePair(
            raw: FileRecord(basename: "shard.00001.mds", bytes: 1000),
            zip: FileRecord(
              basename: "shard.00001.mds.zstd", bytes: 10,
              hashes: ["md5": "900150983cd24fb0d6963f7d28e17f72", "xxh64": "44bc2cf5ad770999"])),
          compression: "zstd:7", schema: 0))
    #expect(manifest.shards[2].meta?.raw == FileRecord(basename: "shard.00002.json.meta", bytes: 60))
    #expect(
      manifest.schemas[manifest.shards[2].schema]
        == StreamSchema(
          format: .json,
          columns: [
            ColumnSchema(name: "x", encoding: "int", size: nil), ColumnSchema(name: "a", encoding: "str", size: nil),
          ], newline: "\n"))
    #expect(manifest.shards[3].format == .separated(name: "xsv", separator: ";"))
    #expect(manifest.schemas[manifest.shards[3].schema].newline == "\r\n")
  }

  /// A document's keys may come in any order, unknown ones are ignored at the top level, and records may be none.
  @Test func topLevel() throws {
    let text = #" {"version" : 2 , "made by": {"x": [1.5e3, true, null, "\u00e9\ud83d\ude00"]}, "shards":[]} "#
    #expect(try parseIndex(Array(text.utf8), stream: "s").shards.isEmpty)
  }

  /// However the document is cut into pieces, the same manifest comes out.
  @Test(arguments: [1, 7, 100, 4096]) func readInPieces(size: Int) throws {
    let document = try Fixture.mdsEveryEncoding.bytes("index.json")
    var parser = IndexParser(stream: "s")
    var position = 0
    try parser.add { (buffer) throws(Never) -> Int in
      let count = min(size, document.count - position, buffer.count)
      buffer.copyBytes(from: document[position..<position + count])
      position += count
      return count
    }
    #expect(parser.finish() == (try parseIndex(document, stream: "s")))
  }

  @Test func everyTruncationIsAnError() throws {
    let document = RecordText.document(RecordText.mds, RecordText.json)
    for count in 0..<document.count {
      #expect(throws: IndexError.self, "\(count) bytes") {
        try parseIndex(Array(document.prefix(count)), stream: "s")
      }
    }
  }

  @Test func subdirectoriesAreOneStream() throws {
    let manifest = try parseIndexes(
      [("b", RecordText.document(RecordText.mds)), ("a/c", RecordText.document(RecordText.xsv, RecordText.mds))],
      stream: "s")
    #expect(
      manifest.shards.map(\.data.raw.basename) == ["b/shard.00000.mds", "a/c/p/shard.00003.xsv", "a/c/shard.00000.mds"])
    #expect(manifest.shards[1].meta?.raw.basename == "a/c/p/shard.00003.xsv.meta")
    #expect(manifest.shards.map(\.schema) == [0, 1, 0])
  }

  /// The merged index is the indexes of its subdirectories with their names in front.
  @Test func mergedIsTheSumOfItsParts() throws {
    let fixture = Fixture.mdsMerged
    let parts = try ["part0", "part1", "part2"].map { ($0, try fixture.bytes("\($0)/index.json")) }
    #expect(try parseIndexes(parts, stream: "s") == (try fixture.manifest()))
  }

  @Test(arguments: ["..", "/a", "a//b", "a/", ".", "a\u{0}b"]) func unsafeSubdirectory(name: String) {
    #expect(throws: IndexError.self) { try parseIndexes([(name, RecordText.document())], stream: "s") }
  }

  /// With faults collected, the good shards remain and each bad one is named once.
  @Test func everyFaultIsReported() throws {
    let bad = RecordText.mds.replacing("\"samples\": 3", with: "\"samples\": -3")
    let worse = RecordText.mds.replacing("shard.00000.mds", with: "../x")
    var parser = IndexParser(stream: "s", collectingFaults: 10)
    try parser.add(RecordText.document(RecordText.mds, bad, RecordText.json, worse, RecordText.zipped))
    #expect(parser.faults.map(\.shard) == [1, 3])
    #expect(parser.faults.map(\.field) == ["samples", "raw_data.basename"])
    #expect(parser.finish().samplesPerShard == [3, 2, 4])
  }

  @Test func errorsNameStreamDocumentShardAndField() throws {
    let bad = RecordText.mds.replacing("shard.00000.mds", with: "../../etc/passwd")
    let error = #expect(throws: IndexError.self) {
      try parseIndexes([("part7", RecordText.document(RecordText.mds, bad))], stream: "c4")
    }
    #expect(
      error?.description
        == "stream \"c4\", part7/index.json, shard 1, raw_data.basename: \"../../etc/passwd\" has a part that is "
        + "\".\" or \"..\"")
  }
}

extension String {
  func replacing(_ part: String, with other: String) -> String { replacingOccurrences(of: part, with: other) }
}
