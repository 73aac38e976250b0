import Foundation
import LinuxSystem
import StreamRegistry
import Testing

@testable import BuiltInStreams

/// Which of a stream's indexes stay in their files.
@Suite struct IndexDocumentsTests {
  private static func file(_ byte: UInt8, count: Int) throws -> OwnedDescriptor {
    let file = try OwnedDescriptor.memoryFile("index")
    try file.write([UInt8](repeating: byte, count: count), at: 0)
    return file
  }

  @Test func smallOnesAreReadAtOnceAndFewLargeOnesStay() throws {
    var documents = IndexDocuments()
    let large = IndexDocuments.smallBytes + 1
    var files = [try Self.file(1, count: 10)]
    for _ in 0...IndexDocuments.fileLimit { files.append(try Self.file(1, count: large)) }
    for file in files { try documents.add("", in: file, count: try file.size()) }
    // What is written now is seen only where the file is still read.
    for file in files { try file.write([2], at: 0) }
    let first = try documents.documents.map { try $0.allBytes()[0] }
    #expect(first == [1] + Array(repeating: 2, count: IndexDocuments.fileLimit) + [1])
    #expect(documents.documents.map(\.count) == [10] + Array(repeating: large, count: IndexDocuments.fileLimit + 1))
  }

  @Test func indexesLieOnTheDiskThatHasRoom() throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-spool-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { do { try FileManager.default.removeItem(at: directory) } catch { print("left behind: \(directory)") } }
    let spool = IndexSpool()
    func device() throws -> String {
      let file = try spool.file()
      try file.write(Array("x".utf8), at: 0)
      // Without a name wherever it lies.
      #expect(try FileManager.default.contentsOfDirectory(atPath: directory.path).isEmpty)
      return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(file.raw)")
    }
    #expect(try device().hasPrefix("/memfd:"))
    let free = try Directory(path: directory.path).freeSpace().available
    if free > 2 * RemoteSource.indexLimit {
      spool.use(directory.path, reserve: 0)
      #expect(try device().contains(directory.lastPathComponent))
    }
    spool.use(directory.path, reserve: free)
    #expect(try device().hasPrefix("/memfd:"), "the disk has to keep what is free")
    spool.use("\(directory.path)/absent", reserve: 0)
    #expect(try device().hasPrefix("/memfd:"))
  }
}
