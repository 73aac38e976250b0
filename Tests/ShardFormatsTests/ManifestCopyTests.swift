import DatasetModel
import ShardFormats
import Testing

@Suite struct ManifestCopyTests {
  @Test(arguments: Fixture.allCases) func roundTrip(fixture: Fixture) throws {
    let manifest = try fixture.manifest()
    let copy = ManifestCopy.bytes(of: manifest, validator: "\"etag-1\"")
    let back = try ManifestCopy.read(copy, validator: "\"etag-1\"")
    #expect(back == manifest)
    #expect(Array(back.shards) == Array(manifest.shards))
  }

  @Test func emptyManifest() throws {
    let manifest = StreamManifest(shards: [ShardDescriptor](), schemas: [])
    #expect(try ManifestCopy.read(ManifestCopy.bytes(of: manifest, validator: ""), validator: "") == manifest)
  }

  @Test func anotherIndexIsRefused() throws {
    let copy = ManifestCopy.bytes(of: try Fixture.csv.manifest(), validator: "a")
    #expect(throws: ManifestCopyFault.otherValidator) { try ManifestCopy.read(copy, validator: "b") }
  }

  /// Digests that are no hexadecimal, as a source of the user's own may have.
  @Test func foreignDigestsSurvive() throws {
    let record = FileRecord(basename: "x", bytes: 1, hashes: ["md5": "ABC", "own": "w=", "odd": "abc", "none": ""])
    let manifest = StreamManifest(
      shards: [
        ShardDescriptor(
          format: .json, samples: 1, data: FilePair(raw: record),
          meta: FilePair(raw: record, zip: FileRecord(basename: "z", bytes: 3)), schema: 0)
      ], schemas: [StreamSchema(format: .json, columns: [], newline: "\n")])
    #expect(manifest.shards[0].data.raw == record)
    let copy = ManifestCopy.bytes(of: manifest, validator: "v")
    #expect(try ManifestCopy.read(copy, validator: "v").shards[0] == manifest.shards[0])
  }

  @Test func everyChangedByteAndEveryCutIsFound() throws {
    let copy = ManifestCopy.bytes(of: try Fixture.jsonlZstd.manifest(), validator: "v")
    for position in copy.indices {
      var bytes = copy
      bytes[position] ^= 1 << UInt8(position % 8)
      #expect(throws: ManifestCopyFault.self, "byte \(position)") { try ManifestCopy.read(bytes, validator: "v") }
      #expect(throws: ManifestCopyFault.self, "cut at \(position)") {
        try ManifestCopy.read(Array(copy.prefix(position)), validator: "v")
      }
    }
    #expect(throws: ManifestCopyFault.self) { try ManifestCopy.read(copy + [0], validator: "v") }
  }
}
