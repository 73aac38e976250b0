import Codecs
import Testing

@Suite struct CompressionTests {
  @Test(arguments: [
    ("zstd", CompressionFamily.zstd, 3), ("zstd:22", .zstd, 22), ("gz", .gz, 9), ("gz:0", .gz, 0), ("bz2:1", .bz2, 1),
    ("br", .br, 11), ("br:0", .br, 0), ("snappy", .snappy, 0),
  ])
  func names(text: String, family: CompressionFamily, level: Int) throws {
    let compression = try Compression(parsing: text)
    #expect(compression.family == family)
    #expect(compression.level == level)
    #expect(compression.text == text)
  }

  @Test(arguments: [
    "", "lz4", "ZSTD", "zstd:", "zstd:0", "zstd:23", "zstd:+3", "zstd:03", "zstd: 3", "gz:10", "bz2:0", "snappy:1",
    "zstd:3:3", "zst", ":3",
  ])
  func noSuchNames(text: String) {
    #expect(throws: CodecError.self) { try Compression(parsing: text) }
  }
}
