import DatasetModel
import LinuxSystem
import ShardFormats
import StreamRegistry
import Testing

@testable import Server

/// An index that is read twice from where it lies gives a manifest only of what it was the first time.
@Suite struct IndexReadingTests {
  private static func text(_ names: [String]) -> [UInt8] {
    let records = names.map { name in
      """
      {"column_encodings": ["int"], "column_names": ["x"], "column_sizes": [8], "compression": null, "format": "mds", \
      "hashes": [], "raw_data": {"basename": "\(name)", "bytes": 100, "hashes": {}}, "samples": 2, \
      "size_limit": 67108864, "version": 2, "zip_data": null}
      """
    }
    return Array("{\"shards\": [\(records.joined(separator: ", "))], \"version\": 2}".utf8)
  }

  private static func file(_ text: [UInt8]) throws -> OwnedDescriptor {
    let file = try OwnedDescriptor.memoryFile("index")
    try file.write(text, at: 0)
    return file
  }

  @Test func aFileAndMemoryGiveTheSameManifestAndDigest() throws {
    let (one, two) = (Self.text(["a", "b"]), Self.text(["c"]))
    let memory = try IndexReading([
      IndexDocument(bytes: one), IndexDocument(subdirectory: "de", bytes: two),
    ])
    let files = try IndexReading([
      IndexDocument(file: try Self.file(one), count: one.count),
      IndexDocument(subdirectory: "de", file: try Self.file(two), count: two.count),
    ])
    #expect(memory.digest == files.digest)
    let manifest = try files.manifest(of: "s")
    #expect(try memory.manifest(of: "s") == manifest)
    #expect(manifest.shards.map { $0.data.raw.basename } == ["a", "b", "de/c"])
    #expect(try IndexReading([IndexDocument(bytes: one), IndexDocument(bytes: two)]).digest != files.digest)
  }

  @Test func whatWasWrittenBetweenTheReadingsIsNoManifest() throws {
    let text = Self.text(["shard.a", "shard.b"])
    let changes: [(String, [UInt8])] = [
      ("another name", Self.text(["shard.a", "shard.c"])),
      ("no index any more", Array(repeating: UInt8(ascii: "x"), count: text.count)),
    ]
    for (what, changed) in changes {
      let file = try Self.file(text)
      let reading = try IndexReading([IndexDocument(file: file, count: text.count)])
      try file.write(changed, at: 0)
      #expect(throws: IndexUnread.self, "\(what)") { try reading.manifest(of: "s") }
    }
    // Cut short: an end in the middle, and no fault of memory.
    let file = try Self.file(text)
    let reading = try IndexReading([IndexDocument(file: file, count: text.count)])
    try file.truncate(to: 100)
    #expect(throws: IndexUnread.self) { try reading.manifest(of: "s") }
  }

  @Test func whatIsWrongIsSaidWithItsPlace() throws {
    var text = Self.text(["a", "b"])
    text[text.count - 1] = UInt8(ascii: "]")
    let reading = try IndexReading([IndexDocument(file: try Self.file(text), count: text.count)])
    let error = #expect(throws: IndexError.self) { try reading.manifest(of: "s") }
    #expect(error?.fault == .json(.expected("\",\" or \"}\""), offset: text.count - 1))
  }
}
