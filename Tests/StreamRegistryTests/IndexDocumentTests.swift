import LinuxSystem
import StreamRegistry
import Testing

/// An index's document reads the same from memory and from a file, however it is cut into pieces.
@Suite struct IndexDocumentTests {
  private static let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }

  private static func file(_ bytes: [UInt8] = bytes) throws -> OwnedDescriptor {
    let file = try OwnedDescriptor.memoryFile("index")
    try file.write(bytes, at: 0)
    return file
  }

  private static func pieces(_ document: IndexDocument, of size: Int) throws -> [[UInt8]] {
    let read = document.reader()
    var pieces: [[UInt8]] = []
    while true {
      var piece = [UInt8](repeating: 0, count: size)
      let count = try piece.withUnsafeMutableBytes { try read($0) }
      if count == 0 { return pieces }
      pieces.append(Array(piece.prefix(count)))
    }
  }

  @Test(arguments: [1, 999, 1_000, 10_000, 10_001]) func piecesAreTheWhole(size: Int) throws {
    for document in [
      IndexDocument(subdirectory: "de", bytes: Self.bytes),
      IndexDocument(subdirectory: "de", file: try Self.file(), count: Self.bytes.count),
    ] {
      #expect(document.subdirectory == "de" && document.count == Self.bytes.count)
      #expect(try document.allBytes() == Self.bytes)
      // Each reader begins at the beginning.
      for _ in 0..<2 {
        let pieces = try Self.pieces(document, of: size)
        #expect(pieces.flatMap { $0 } == Self.bytes)
        #expect(pieces.dropLast().allSatisfy { $0.count == size })
      }
    }
  }

  @Test func aFileThatGrewEndsWhereTheDocumentDoes() throws {
    let document = IndexDocument(file: try Self.file(Self.bytes + [1, 2, 3]), count: Self.bytes.count)
    #expect(try Self.pieces(document, of: 3_000).flatMap { $0 } == Self.bytes)
  }

  @Test func aFileThatWasCutShortGivesWhatIsLeft() throws {
    let document = IndexDocument(file: try Self.file(Array(Self.bytes.prefix(5_000))), count: Self.bytes.count)
    #expect(try Self.pieces(document, of: 3_000).flatMap { $0 } == Array(Self.bytes.prefix(5_000)))
  }
}
