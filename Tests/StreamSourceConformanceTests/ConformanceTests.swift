import BuiltInStreams
import DatasetModel
import LinuxSystem
import ShardFormats
import StreamRegistry
import SystemPackage
import Testing

@testable import DaemonConfiguration
@testable import ExecStreams
@testable import StreamSourceConformance
@testable import SyntheticStreams

@Suite struct ConformanceTests {
  @Test(arguments: [
    "{samples_per_shard: 8}", "{shards: 1, samples_per_shard: 1}",
    "{samples_per_shard: 50, sample_bytes: 1kb, sample_bytes_maximum: 9kb, seed: 3}",
    "{samples_per_shard: 99, sample_bytes: 300, columns: {id: int, image: 'ndarray:uint8:8,8', text: str}}",
  ])
  func synthetic(with: String) async throws {
    var registry = StreamRegistry()
    try SyntheticStream.register(in: &registry)
    try await expectConforming("s: {kind: synthetic, with: \(with)}", registry)
  }

  /// The worked example in Python, over tar files, by pipe and by file.
  @Test(arguments: ["pipe", "file"])
  func tarStreamInPython(output: String) async throws {
    let directory = try TarDirectory()
    let lines = Lines()
    var registry = StreamRegistry()
    try ExecStream.register(in: &registry) { _, line in lines.add(line) }
    let text = """
      s:
        kind: exec
        with:
          command: [/usr/bin/env, python3, \(TarDirectory.example)]
          config: {directory: \(directory.path), columns: {txt: str, bin: bytes}}
          output: \(output)
      """
    let source = try await expectConforming(text, registry)
    // What goes straight into the file is cut off by the kernel, about which Python has much to say.
    if output == "pipe" { #expect(lines.all.allSatisfy { $0.contains("No such file") }, "\(lines.all)") }
    // And what is in the shards is what was in the tar files.
    let conformance = StreamSourceConformance(source)
    let manifest = try await conformance.manifest()
    #expect(manifest.shards.map(\.data.raw.basename) == ["a/part-0.mds", "a/part-1.mds", "b.mds"])
    #expect(manifest.samples == TarDirectory.samples.values.reduce(0) { $0 + $1.count })
    for (position, shard) in manifest.shards.enumerated() {
      let staging = try ConformanceStaging()
      _ = try await source.fetch(
        FileRequest(path: shard.data.raw.basename, bytes: shard.data.raw.bytes), into: staging.file)
      let bytes = try staging.content()
      let table = try SampleTable(head: bytes, of: shard, at: position, stream: "s")
      let expected = try #require(TarDirectory.samples[shard.data.raw.basename])
      for index in 0..<shard.samples {
        let sample = Array(bytes[table[index]])
        let columns = manifest.schemas[shard.schema].columns
        #expect(columns.map(\.name) == ["bin", "key", "txt"])
        let ranges = try sample.withUnsafeBytes { try ColumnLayout.ranges(ofSample: $0, columns: columns) }
        #expect(ranges.map { Array(sample[$0]) } == [expected[index].bin, expected[index].key, expected[index].txt])
      }
    }
  }

  /// Files of the reference's, in place and copied; compressed ones and split formats, too.
  @Test(arguments: ["mds_plain", "mds_zstd", "jsonl", "csv", "jsonl_zstd"], [true, false])
  func local(dataset: String, isReadInPlace: Bool) async throws {
    let root = FilePath(#filePath).removingLastComponent().removingLastComponent().appending("Fixtures/datasets")
    let directory = root.appending(dataset).string
    let findings = await StreamSourceConformance(LocalSource(directory: directory, isReadInPlace: isReadInPlace))
      .check()
    #expect(findings.isEmpty, "\(findings.map(\.description).joined(separator: "\n"))")
  }

  /// A kind of one's own in Swift, as in the documentation.
  @Test func aKindOfOnesOwn() async throws {
    var registry = StreamRegistry()
    try registry.register("memory") { configuration in
      var reader = configuration.withReader()
      let count = reader.integer("shards", in: 1...100, default: 2)
      try reader.finish()
      return MemorySource(shards: count)
    }
    try await expectConforming("s: {kind: memory, with: {shards: 4}}", registry)
  }

  /// The suite finds what is wrong: each fault has a finding under its own rule.
  @Test(arguments: MemorySource.Fault.allCases)
  func findsWhatIsWrong(fault: MemorySource.Fault) async {
    let findings = await StreamSourceConformance(MemorySource(shards: 3, fault: fault), patience: 0.5).check()
    #expect(findings.contains { $0.rule == fault.rule }, "\(fault): \(findings)")
  }

  @discardableResult
  private func expectConforming(_ streams: String, _ registry: StreamRegistry) async throws -> any StreamSource {
    let indented = streams.split(separator: "\n").map { "  \($0)" }.joined(separator: "\n")
    let configuration = try Configuration.parse(
      text: "cache: {directory: /c, limit: 0}\nstreams:\n\(indented)\n", file: "t.yaml", registry: registry)
    let source = try #require(try configuration.sources(from: registry, file: "t.yaml")["s"])
    let findings = await StreamSourceConformance(source).check()
    #expect(findings.isEmpty, "\(findings.map(\.description).joined(separator: "\n"))")
    return source
  }
}
