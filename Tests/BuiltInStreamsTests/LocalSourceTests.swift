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
      #expect(try documents.map { String(decoding: try $0.allBytes(), as: UTF8.self) } == ["A", "C"])
      #expect(validator != nil)
    }
    let error = try await #require(throws: StreamSourceError.self) { try await LocalSource(directory: root).manifest() }
    #expect(error.code == .notFound)
  }

  @Test func subdirectoriesAreInTheOrderOfTheReferencesMerge() async throws {
    for name in ["a-b", "é", "B"] {
      try FileManager.default.createDirectory(atPath: "\(root)/\(name)", withIntermediateDirectories: true)
      try Data("x".utf8).write(to: URL(fileURLWithPath: "\(root)/\(name)/index.json"))
    }
    // Sorted as "a-b/index.json" and "a/index.json" are, for '-' comes before '/'.
    #expect(try await subdirectories(.discover) == ["B", "a-b", "a", "b/c", "é"])
  }

  @Test func linksAreFollowedInsideOnly() async throws {
    let files = FileManager.default
    try files.createSymbolicLink(atPath: "\(root)/same", withDestinationPath: "shard")
    try files.createSymbolicLink(atPath: "\(root)/out", withDestinationPath: "/etc/hostname")
    try files.createSymbolicLink(atPath: "\(root)/d", withDestinationPath: "/etc")
    let source = LocalSource(directory: root, isReadInPlace: false)
    let staging = StagingFile(descriptor: try .memoryFile("staging"))
    #expect(try await source.fetch(FileRequest(path: "same", bytes: 5), into: staging).bytes == 5)
    for path in ["out", "d/hostname"] {
      let error = try await #require(throws: StreamSourceError.self) {
        try await source.fetch(FileRequest(path: path, bytes: 5), into: staging)
      }
      #expect(error.code == .permanent)
      #expect(error.message == "\(root)/\(path): a symbolic link leads out of \(root)")
    }
    let index = try await #require(throws: StreamSourceError.self) {
      try await LocalSource(directory: root, subdirectories: .list(["a", "d"])).manifest()
    }
    #expect(index.code == .permanent && index.message.contains("d/index.json"))
    // A whole directory that lies elsewhere is not left out in silence.
    let outside = try await #require(throws: StreamSourceError.self) {
      try await LocalSource(directory: root, subdirectories: .discover).manifest()
    }
    #expect(outside.code == .permanent && outside.message.contains("\(root)/d: a symbolic link leads out"))
    try files.removeItem(atPath: "\(root)/d")
    try files.createSymbolicLink(atPath: "\(root)/a2", withDestinationPath: "a")
    try files.createSymbolicLink(atPath: "\(root)/circle", withDestinationPath: ".")
    #expect(try await subdirectories(.list(["a2"])) == ["a2"])
    #expect(try await subdirectories(.discover) == ["a", "b/c"])
  }

  private func subdirectories(_ wanted: StreamConfiguration.Subdirectories) async throws -> [String] {
    let answer = try await LocalSource(directory: root, subdirectories: wanted).manifest()
    guard case .documents(let documents, _) = answer else { return [] }
    return documents.map(\.subdirectory)
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
