import Foundation
import LinuxSystem
import StreamRegistry
import Testing

@testable import BuiltInStreams

@Suite(.timeLimit(.minutes(1)))
final class LocalSourceTests {
  let root = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-local-\(UUID().uuidString)").path

  init() throws {
    for (path, text) in ["a/index.json": "A", "b/c/index.json": "C", "a/deeper/index.json": "no", "shard": "12345"] {
      let file = URL(fileURLWithPath: "\(root)/\(path)")
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }
  }

  // A leftover in the temporary directory does not matter.
  deinit { try? FileManager.default.removeItem(atPath: root) }

  @Test func indexesAreFoundOrListed() async throws {
    for subdirectories in [StreamConfiguration.Subdirectories.discover, .list(["a", "b/c"])] {
      let source = LocalSource(directory: root, subdirectories: subdirectories)
      guard case .documents(let documents, let validator) = try await source.manifest() else {
        Issue.record("no documents")
        return
      }
      #expect(documents.map(\.subdirectory) == ["a", "b/c"])
      #expect(documents.map { String(decoding: $0.bytes, as: UTF8.self) } == ["A", "C"])
      #expect(validator != nil)
    }
    let error = try await #require(throws: StreamSourceError.self) { try await LocalSource(directory: root).manifest() }
    #expect(error.code == .notFound)
  }

  @Test func filesAreCopiedAndChecked() async throws {
    let source = LocalSource(directory: root, isReadInPlace: false)
    #expect(source.localDirectory == nil)
    let staging = StagingFile(descriptor: try .memoryFile("staging"))
    let receipt = try await source.fetch(FileRequest(path: "shard", bytes: 5), into: staging)
    #expect(receipt.bytes == 5)
    #expect(try staging.descriptor.read(count: 5, at: 0) == Array("12345".utf8))
    let wrong = try await #require(throws: StreamSourceError.self) {
      try await source.fetch(FileRequest(path: "shard", bytes: 6), into: staging)
    }
    #expect(wrong.code == .transient)
    let missing = try await #require(throws: StreamSourceError.self) {
      try await source.fetch(FileRequest(path: "nothing", bytes: 6), into: staging)
    }
    #expect(missing.code == .notFound)
  }
}
