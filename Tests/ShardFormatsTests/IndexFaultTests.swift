import DatasetModel
import ShardFormats
import Testing

/// What an index may not say, each refused with its field.
@Suite struct IndexFaultTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let record: String
    let part: String
    let replacement: String
    let field: String?
    let fault: IndexFault?

    init(
      _ part: String, _ replacement: String, _ field: String?, _ fault: IndexFault? = nil,
      in record: String = RecordText.mds
    ) {
      self.record = record
      self.part = part
      self.replacement = replacement
      self.field = field
      self.fault = fault
    }

    var testDescription: String { "\(part) → \(replacement)" }
  }

  static let cases: [Case] = [
    // Keys.
    Case("\"samples\": 3, ", "", "samples", .missingKey),
    Case("\"samples\": 3", "\"samples\": 3, \"samples\": 3", "samples", .duplicateKey),
    Case("\"samples\": 3", "\"samples\": 3, \"author\": \"me\"", "author", .unknownKey),
    Case("\"samples\": 3", "\"samples\": 3, \"newline\": \"x\"", "newline", .unknownKey),
    Case("\"bytes\": 1000, ", "", "raw_data.bytes", .missingKey),
    Case("\"bytes\": 1000", "\"bytes\": 1000, \"mode\": 7", "raw_data.mode", .unknownKey),
    Case("\"bytes\": 1000", "\"bytes\": 1000, \"bytes\": 7", "raw_data.bytes", .duplicateKey),
    Case("\"zip_data\": null", "\"zip_data\": 7", "zip_data"),
    Case(", \"column_sizes\": [8, null]", "", "column_sizes", .missingKey),
    // Version, format, compression.
    Case("\"version\": 2", "\"version\": 1", "version", .unsupportedVersion(1)),
    Case("\"version\": 2", "\"version\": \"2\"", "version"),
    Case("\"mds\"", "\"parquet\"", "format", .unknownFormat("parquet")),
    Case("\"mds\"", "null", "format"),
    Case("\"compression\": null", "\"compression\": \"lz4\"", "compression"),
    Case("\"zstd:7\"", "null", "compression", .compressionMissing, in: RecordText.zipped),
    // Numbers.
    Case("\"samples\": 3", "\"samples\": -1", "samples", .outOfRange(value: -1, allowed: 0...4_294_967_295)),
    Case("\"samples\": 3", "\"samples\": 3.0", "samples"),
    Case("\"samples\": 3", "\"samples\": 3e2", "samples"),
    Case("\"samples\": 3", "\"samples\": 03", "samples"),
    Case("\"samples\": 3", "\"samples\": 9223372036854775808", "samples"),
    Case("\"samples\": 3", "\"samples\": true", "samples"),
    Case("\"samples\": 3", "\"samples\": 4294967296", "samples"),
    Case("\"samples\": 3", "\"samples\": 199", "samples", .tooManySamples(samples: 199, bytes: 1000)),
    Case("\"samples\": 2", "\"samples\": 14", "samples", .tooManySamples(samples: 14, bytes: 60), in: RecordText.json),
    Case("\"bytes\": 1000", "\"bytes\": -1", "raw_data.bytes"),
    Case("\"bytes\": 1000", "\"bytes\": 4294967296", "raw_data.bytes"),
    Case("\"bytes\": 1000", "\"bytes\": 99999999999999999999999", "raw_data.bytes"),
    Case("67108864", "-1", "size_limit", .badSizeLimit),
    Case("67108864", "\"lots\"", "size_limit", .badSizeLimit),
    // Names.
    Case("shard.00000.mds", "", "raw_data.basename", .unsafeName("", .empty)),
    Case("shard.00000.mds", "/etc/passwd", "raw_data.basename", .unsafeName("/etc/passwd", .absolute)),
    Case("shard.00000.mds", "..", "raw_data.basename", .unsafeName("..", .leaves)),
    Case("shard.00000.mds", "a/../../b", "raw_data.basename", .unsafeName("a/../../b", .leaves)),
    Case("shard.00000.mds", "a/./b", "raw_data.basename", .unsafeName("a/./b", .leaves)),
    Case("shard.00000.mds", "a//b", "raw_data.basename", .unsafeName("a//b", .emptyPart)),
    Case("shard.00000.mds", "a/", "raw_data.basename", .unsafeName("a/", .emptyPart)),
    Case("shard.00000.mds", #"a\u0000b"#, "raw_data.basename", .unsafeName("a\u{0}b", .nul)),
    Case("shard.00000.mds", #"a\nb"#, "raw_data.basename", .unsafeName("a\nb", .controlCharacter)),
    Case("shard.00000.mds", #"\u002e\u002e/b"#, "raw_data.basename", .unsafeName("../b", .leaves)),
    Case(
      "shard.00000.mds", String(repeating: "x", count: 256), "raw_data.basename",
      .unsafeName(String(repeating: "x", count: 256), .tooLong(limit: 255))),
    Case(
      "shard.00000.mds", String(repeating: "x/", count: 2048) + "x", "raw_data.basename",
      .unsafeName(String(repeating: "x/", count: 2048) + "x", .tooLong(limit: 4095))),
    // Columns.
    Case("[\"a\", \"b\"]", "[\"a\", \"a\"]", "column_names", .duplicateColumn("a")),
    Case("[\"a\", \"b\"]", "[\"a\"]", "column_encodings", .differentLengths(columns: 1, found: 2)),
    Case("[8, null]", "[8]", "column_sizes", .differentLengths(columns: 2, found: 1)),
    Case("[8, null]", "[8, -1]", "column_sizes[1]", .outOfRange(value: -1, allowed: 0...4_294_967_295)),
    Case("[8, null]", "[8, \"x\"]", "column_sizes[1]"),
    Case("[\"int\", \"str\"]", "{}", "column_encodings"),
    Case("{\"x\": \"int\", \"a\": \"str\"}", "{}", "columns", .noColumns, in: RecordText.json),
    Case("\"x\": \"int\"", "\"a\": \"int\"", "columns", .duplicateColumn("a"), in: RecordText.json),
    Case("\"x\": \"int\"", "\"x\": \"pkl\"", "columns.x", .unknownTextEncoding("pkl"), in: RecordText.json),
    Case(#""\n""#, #""""#, "newline", .emptyText, in: RecordText.json),
    Case("\";\"", "\"\"", "separator", .emptyText, in: RecordText.xsv),
    Case("\"raw_meta\": {", "\"raw_meta\": null, \"raw_meta\": {", "raw_meta", .duplicateKey, in: RecordText.json),
    // Digests.
    Case("a9993e", "A9993E", "raw_data.hashes.sha1", .badDigest(algorithm: "sha1")),
    Case("a9993e", "a9993", "raw_data.hashes.sha1", .badDigest(algorithm: "sha1")),
    Case("a9993e", "g9993e", "raw_data.hashes.sha1", .badDigest(algorithm: "sha1")),
    Case("{\"sha1\"", "{\"sha1\": \"00\", \"sha1\"", "raw_data.hashes.sha1"),
    Case("{\"sha1\": \"", "{\"sha1\": null, \"x\": \"", "raw_data.hashes"),
    Case("[\"sha1\"]", "\"sha1\"", "hashes"),
  ]

  @Test(arguments: cases) func refused(_ bent: Case) throws {
    try #require(bent.record.contains(bent.part))
    let record = bent.record.replacing(bent.part, with: bent.replacement)
    let error = #expect(throws: IndexError.self) {
      try parseIndex(RecordText.document(RecordText.mds, record), stream: "s")
    }
    #expect(error?.stream == "s")
    #expect(error?.shard == 1)
    #expect(error?.field == bent.field)
    if let fault = bent.fault { #expect(error?.fault == fault) }
    #expect(error?.description.contains("\n") == false)
  }

  @Test(arguments: [
    "", "[]", "null", "{", "{}", "{\"version\": 2}", "{\"shards\": []}", "{\"shards\": [], \"version\": 3}",
    "{\"shards\": [], \"version\": 2} x", "{\"shards\": [], \"shards\": [], \"version\": 2}",
    "{\"shards\": {}, \"version\": 2}", "{\"shards\": [null], \"version\": 2}", "{\"shards\": [], \"version\": 2,}",
    "{\"shards\": [,], \"version\": 2}", "\u{feff}{\"shards\": [], \"version\": 2}",
    "{\"shards\": [], \"version\": 2, \"x\": \"\\x\"}", "{\"shards\": [], \"version\": 2, \"x\": \"\\ud800\"}",
    "{\"shards\": [], \"version\": 2, \"x\": \"\t\"}", "{\"shards\": [], \"version\": 2, \"x\": NaN}",
    "{\"shards\": [], \"version\": 2, \"x\": 01}", "{\"shards\": [], \"version\": 2, 'x': 1}",
  ])
  func noIndexAtAll(text: String) {
    let error = #expect(throws: IndexError.self) { try parseIndex(Array(text.utf8), stream: "s") }
    #expect(error?.description.hasPrefix("stream \"s\", index.json") == true)
  }

  @Test func deepNestingIsRefused() {
    let nested = String(repeating: "[", count: 100_000) + String(repeating: "]", count: 100_000)
    #expect(throws: IndexError.self) {
      try parseIndex(Array("{\"x\": \(nested), \"shards\": [], \"version\": 2}".utf8), stream: "s")
    }
  }

  @Test(arguments: [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80]] as [[UInt8]])
  func invalidUTF8(bytes: [UInt8]) throws {
    let document = RecordText.document(RecordText.mds)
    let place = try #require(document.firstRange(of: Array("shard.0".utf8)))
    let error = #expect(throws: IndexError.self) {
      try parseIndex(document[..<place.lowerBound] + bytes + document[place.lowerBound...], stream: "s")
    }
    #expect(error?.field == "raw_data.basename")
  }

  @Test func samplesOfAStreamFitInAnInt() throws {
    // Each record may have up to 2³² samples, so only a table of our own making could overflow; the limit holds anyway.
    let record = RecordText.mds.replacing("\"samples\": 3", with: "\"samples\": 0")
    #expect(try parseIndex(RecordText.document(record, record), stream: "s").samples == 0)
  }
}
