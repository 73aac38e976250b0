import BuiltInStreams
import DatasetModel
import Foundation
import ShardFormats
import ShardVerifier
import ShardWriter
import StreamRegistry
import Testing
import Transfer

/// A verifier of a directory, or (`isFetched`) of a directory whose files are copied first, as a remote's are.
func verifier(_ path: String, isFetched: Bool = false, requiredHash: String? = nil) -> StreamVerifier {
  let source = LocalSource(directory: path, isReadInPlace: !isFetched, subdirectories: .discover)
  let fetching = VerifyFetching(
    policy: RetryPolicy(attempts: 1), limits: FetchLimits(), staging: FileManager.default.temporaryDirectory.path)
  return StreamVerifier(stream: "s", source: source, fetching: fetching, requiredHash: requiredHash, jobs: 2)
}

@Suite struct StreamVerifierTests {
  static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Fixtures/datasets")

  static let names = [
    "csv", "jsonl", "jsonl_zstd", "mds_br", "mds_bz2", "mds_every_encoding", "mds_gz", "mds_merged", "mds_plain",
    "mds_snappy", "mds_zstd", "tsv_gz",
  ]

  /// A copy of a fixture that may be damaged, removed with the object.
  final class Copy {
    let url: URL

    init(_ name: String) throws {
      url = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)")
      try FileManager.default.copyItem(at: StreamVerifierTests.fixtures.appending(path: name), to: url)
    }

    deinit { try? FileManager.default.removeItem(at: url) }

    func change(_ file: String, _ body: (inout [UInt8]) -> Void) throws {
      let target = url.appending(path: file)
      var bytes = [UInt8](try Data(contentsOf: target))
      body(&bytes)
      try Data(bytes).write(to: target)
    }

    func remove(_ file: String) throws { try FileManager.default.removeItem(at: url.appending(path: file)) }

    func verify(isFetched: Bool = false, requiredHash: String? = nil) async throws -> (
      faults: [String], total: StreamVerifier.Progress
    ) {
      var faults: [String] = []
      let total = try await verifier(url.path, isFetched: isFetched, requiredHash: requiredHash).run {
        faults.append("\($0)")
      }
      return (faults, total)
    }
  }

  @Test(arguments: names, [false, true]) func theReferencesDatasetsAreSound(name: String, isFetched: Bool) async throws
  {
    let copy = try Copy(name)
    let (faults, total) = try await copy.verify(isFetched: isFetched)
    #expect(faults == [])
    let expected = try String(contentsOf: copy.url.appending(path: "expected.jsonl"), encoding: .utf8)
    #expect(total.samples == expected.split(separator: "\n").count)
    #expect(total.bytes > 0)
  }

  @Test(arguments: ["jsonl_zstd", "mds_br", "mds_bz2", "mds_gz", "mds_snappy", "mds_zstd"])
  func aFlippedByteOfACompressedShard(name: String) async throws {
    let copy = try Copy(name)
    let file = try #require(
      FileManager.default.contentsOfDirectory(atPath: copy.url.path).sorted().first { $0.hasPrefix("shard.00000") })
    try copy.change(file) { $0[$0.count / 2] ^= 4 }
    let (faults, total) = try await copy.verify()
    #expect(!faults.isEmpty && faults.allSatisfy { $0.contains("shard 0 ") })
    #expect(total.faults == faults.count)
  }

  @Test(arguments: [false, true]) func everyFaultIsFound(isFetched: Bool) async throws {
    let copy = try Copy("mds_plain")
    try copy.change("shard.00000.mds") { $0[7] ^= 0x80 }
    try copy.change("shard.00001.mds") { $0.removeLast() }
    try copy.remove("shard.00002.mds")
    try copy.change("index.json") { bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      bytes = Array(text.replacingOccurrences(of: "shard.00003.mds", with: "../00003.mds").utf8)
    }
    let (faults, total) = try await copy.verify(isFetched: isFetched)
    #expect(faults.contains { $0.contains("index.json, shard 3, raw_data.basename") && $0.contains("..") })
    #expect(faults.contains { $0.contains("(shard.00000.mds), offsets[1]") })
    let (size, missing) =
      isFetched
      ? ("the index says", "could not be fetched: ") : ("bytes where the index promises", "the file is missing")
    #expect(faults.contains { $0.contains("shard.00001.mds") && $0.contains(size) })
    #expect(faults.contains { $0.contains("shard.00002.mds") && $0.contains(missing) })
    #expect(!faults.contains { $0.contains("shard.00004.mds") })
    #expect(total.totalShards == 4)
  }

  @Test func everyByteOfASmallShardIsWatched() async throws {
    // A stream of ours without digests, so that only offsets and values can tell.
    let work = FileManager.default.temporaryDirectory.appending(path: "sluice-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: work, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: work) }
    let rows = work.appending(path: "a.jsonl")
    try Data("{\"t\": \"äöü\", \"n\": [1, 2, 3], \"s\": 5}\n".utf8).write(to: rows)
    let input = PackInput(
      format: .jsonl, paths: [rows.path], columns: try PackColumn.parse("t:str,n:ndarray,s:str_int"))
    _ = try await Packer(
      input: input, options: try ShardOptions(), directory: work.appending(path: "out").path, jobs: 1
    ).run()
    let shard = work.appending(path: "out/shard.00000.mds")
    let sound = [UInt8](try Data(contentsOf: shard))
    // Lengths and heads of the sample: every changed high bit breaks something.
    let sample = Int(sound[4]) | Int(sound[5]) << 8
    for position in [4, 5, 6, 7, 8, 9, 10, 11] + Array(sample..<sample + 15) {
      var bytes = sound
      bytes[position] ^= 0x80
      try Data(bytes).write(to: shard)
      var faults: [String] = []
      _ = try await verifier(work.appending(path: "out").path).run { faults.append("\($0)") }
      #expect(!faults.isEmpty, "byte \(position)")
    }
  }

  @Test func subdirectoriesWithoutACommonIndex() async throws {
    let copy = try Copy("mds_merged")
    try copy.remove("index.json")
    let (faults, total) = try await copy.verify()
    #expect(faults == [])
    #expect(total.shards == 6)
  }

  @Test func aDigestThatTheConfigurationWants() async throws {
    let copy = try Copy("mds_zstd")
    #expect(try await copy.verify(requiredHash: "sha3_512").faults.allSatisfy { $0.contains("states no sha3_512") })
    let (faults, total) = try await copy.verify(requiredHash: "sha3_512")
    #expect(faults.count == 2 * total.shards)
  }

  @Test func aLinkThatLeadsOut() async throws {
    let copy = try Copy("mds_plain")
    try copy.remove("shard.00001.mds")
    try FileManager.default.createSymbolicLink(
      atPath: copy.url.appending(path: "shard.00001.mds").path,
      withDestinationPath: Self.fixtures.appending(path: "mds_plain/shard.00001.mds").path)
    let (faults, _) = try await copy.verify()
    #expect(faults.count == 1)
    #expect(faults.first?.contains("stream \"s\", shard 1 (shard.00001.mds): ") == true)
    #expect(faults.first?.contains("a symbolic link leads out of") == true)
  }

  @Test func aWrongHeaderLine() async throws {
    let copy = try Copy("csv")
    try copy.change("shard.00000.csv") { $0[0] = UInt8(ascii: "X") }
    let (faults, _) = try await copy.verify()
    #expect(faults.contains { $0.contains("header line") })
  }

  @Test func aDirectoryWithoutAnIndex() async throws {
    let copy = try Copy("csv")
    try copy.remove("index.json")
    await #expect(throws: (any Error).self) { try await copy.verify() }
  }
}
