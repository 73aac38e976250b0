import Foundation
import LinuxSystem
import SystemPackage
import Testing

@Suite struct KeptFilesTests {
  @Test func aFileIsThereWholeOrNotAtAll() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/kept"
      try KeptFiles.replace(path) { (write) throws(SystemError) in try pass("one, ", "two", to: write) }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "one, two")
      #expect(throws: SystemError.self) {
        try KeptFiles.replace(path) { (write) throws(SystemError) in
          try pass("half of something lon", to: write)
          throw SystemError("write", path, .noSpace)
        }
      }
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "one, two")
      #expect(try DirectoryEntries.of(directory).map(\.name) == ["kept"], "nothing partial is left")
      try KeptFiles.remove(path)
      try KeptFiles.remove(path)
      #expect(try DirectoryEntries.of(directory).isEmpty)
    }
  }

  @Test func aMappedFileOutlivesItsName() throws {
    try withTemporaryDirectory { directory in
      let path = "\(directory)/mapped"
      try KeptFiles.replace(path) { (write) throws(SystemError) in try pass("bytes", to: write) }
      let file = try MappedFile(path)
      try KeptFiles.remove(path)
      #expect(file.withBytes { Array($0) } == Array("bytes".utf8))
      try KeptFiles.replace(path) { (write) throws(SystemError) in }
      #expect(try MappedFile(path).withBytes { $0.count } == 0)
      #expect(throws: SystemError.self) { try MappedFile("\(directory)/missing") }
    }
  }

  private func pass(
    _ pieces: String..., to write: (UnsafeRawBufferPointer) throws(SystemError) -> Void
  ) throws(SystemError) {
    for piece in pieces {
      var failure: SystemError?
      Array(piece.utf8).withUnsafeBytes { bytes in
        do throws(SystemError) { try write(bytes) } catch { failure = error }
      }
      if let failure { throw failure }
    }
  }

  private func withTemporaryDirectory(_ body: (String) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-\(UUID())").path
    try KeptFiles.makeDirectory("\(directory)")
    defer { do { try FileManager.default.removeItem(atPath: directory) } catch { Issue.record(error) } }
    try body(directory)
  }
}
