import DatasetModel
import LinuxSystem
import ShardFormats
import StreamRegistry
import Testing

@testable import SyntheticStreams

@Suite struct SyntheticStreamTests {
  private func configuration(_ keys: [(String, ConfigurationValue.Content)]) -> StreamConfiguration {
    var stream = StreamConfiguration(name: "noise", kind: "synthetic")
    stream.with = ConfigurationValue(
      .map(
        ConfigurationMap(
          keys.enumerated().map { .init(key: $1.0, value: ConfigurationValue($1.1, line: $0 + 1), line: $0 + 1) })))
    return stream
  }

  private func columns(_ columns: [(String, String)]) -> (String, ConfigurationValue.Content) {
    let entries = columns.map { ConfigurationMap.Entry(key: $0.0, value: ConfigurationValue(.text($0.1))) }
    return ("columns", .map(ConfigurationMap(entries)))
  }

  private func manifest(_ stream: SyntheticStream) async throws -> StreamManifest {
    guard case .manifest(let manifest) = try await stream.manifest() else {
      throw StreamSourceError(.permanent, "none")
    }
    return manifest
  }

  private func fetch(_ stream: SyntheticStream, _ record: FileRecord) async throws -> [UInt8] {
    let staging = StagingFile(descriptor: try .memoryFile("staging"))
    let receipt = try await stream.fetch(FileRequest(path: record.basename, bytes: record.bytes), into: staging)
    #expect(receipt.bytes == record.bytes && receipt.moved == record.bytes)
    return try staging.descriptor.read(count: try staging.descriptor.size(), at: 0)
  }

  /// Every shard is what the manifest says, read by the code that reads everybody's shards.
  @Test func shardsAreRealMDS() async throws {
    let stream = try SyntheticStream(
      configuration([
        ("shards", .integer(3)), ("samples_per_shard", .integer(50)), ("sample_bytes", .integer(600)),
        ("sample_bytes_maximum", .integer(3000)), ("seed", .integer(7)),
        columns([
          ("text", "str"), ("id", "int"), ("image", "ndarray:uint8:4,4,3"), ("x", "float32"), ("data", "bytes"),
          ("half", "float16"), ("real", "float64"), ("small", "int8"),
        ]),
      ]))
    let manifest = try await manifest(stream)
    #expect(manifest.shards.count == 3 && manifest.samples == 150)
    let schema = manifest.schemas[0].columns
    #expect(schema.map(\.name) == ["data", "half", "id", "image", "real", "small", "text", "x"])
    #expect(schema.map(\.size) == [nil, 2, 8, 48, 8, 1, nil, 4])
    var sizes: Set<Int> = []
    for (position, shard) in manifest.shards.enumerated() {
      let bytes = try await fetch(stream, shard.data.raw)
      #expect(bytes.count == shard.data.raw.bytes)
      let table = try SampleTable(head: bytes, of: shard, at: position, stream: "noise")
      for index in 0..<shard.samples {
        let sample = Array(bytes[table[index]])
        sizes.insert(sample.count)
        let ranges = try sample.withUnsafeBytes { try ColumnLayout.ranges(ofSample: $0, columns: schema) }
        #expect(
          sample[ranges[2]].elementsEqual(withUnsafeBytes(of: Int64(position * 50 + index).littleEndian, Array.init)))
        #expect(sample[ranges[6]].allSatisfy { $0 == 0x20 || (0x61...0x7a).contains($0) })
        let real = sample[ranges[7]].withUnsafeBytes { $0.loadUnaligned(as: Float.self) }
        let double = sample[ranges[4]].withUnsafeBytes { $0.loadUnaligned(as: Double.self) }
        #expect((0.5..<1).contains(real) && (0.5..<1).contains(double))
      }
    }
    #expect(sizes.allSatisfy { (600...3000).contains($0) } && sizes.count > 50)
  }

  @Test func equalSettingsGiveEqualBytes() async throws {
    let keys: [(String, ConfigurationValue.Content)] = [("shards", .integer(2)), ("samples_per_shard", .integer(9))]
    let first = try SyntheticStream(configuration(keys))
    let second = try SyntheticStream(configuration(keys.reversed()))
    let other = try SyntheticStream(configuration(keys + [("seed", .integer(1))]))
    let shard = try await manifest(first).shards[1].data.raw
    #expect(try await manifest(first) == manifest(second))
    #expect(try await fetch(first, shard) == fetch(second, shard))
    #expect(try await fetch(first, shard) != fetch(other, shard))
    #expect(first.location == second.location && first.location != other.location)
    // On every machine, in every version: these bytes are settled (worked out by another program).
    let bytes = try await fetch(first, shard)
    let digest = bytes.reduce(UInt64(0xcbf2_9ce4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    #expect(bytes.count == 147683 && String(digest, radix: 16) == "b299124fc80384b")
  }

  @Test func resumesAtAnyByte() async throws {
    let stream = try SyntheticStream(
      configuration([
        ("shards", .integer(1)), ("samples_per_shard", .integer(250)), ("sample_bytes", .integer(100)),
        ("sample_bytes_maximum", .integer(9000)),
      ]))
    let record = try await manifest(stream).shards[0].data.raw
    let whole = try await fetch(stream, record)
    let empty = StagingFile(descriptor: try .memoryFile("staging"))
    let receipt = try await stream.fetch(FileRequest(path: record.basename, bytes: record.bytes), into: empty)
    let validator = try #require(receipt.validator)
    for start in [0, 1, 4, 1000, 1300, whole.count / 2, whole.count - 1, whole.count] {
      let staging = StagingFile(descriptor: try .memoryFile("staging"))
      try staging.descriptor.write(Array(whole[..<start]), at: 0)
      let request = FileRequest(
        path: record.basename, bytes: record.bytes, resume: ResumeOffset(bytes: start, validator: validator))
      let receipt = try await stream.fetch(request, into: staging)
      #expect(receipt.moved == whole.count - start && receipt.bytes == whole.count)
      #expect(try staging.descriptor.read(count: whole.count + 1, at: 0) == whole)
    }
    let stale = FileRequest(
      path: record.basename, bytes: record.bytes, resume: ResumeOffset(bytes: 5, validator: "\"other\""))
    let error = await #expect(throws: StreamSourceError.self) { try await stream.fetch(stale, into: empty) }
    #expect(error?.code == .restart)
  }

  @Test(arguments: ["shard.00002.mds", "shard.2.mds", "shard.-0001.mds", "../shard.00000.mds", "index.json", ""])
  func filesThatAreNotThere(path: String) async throws {
    let stream = try SyntheticStream(configuration([("shards", .integer(2))]))
    let staging = StagingFile(descriptor: try .memoryFile("staging"))
    let error = await #expect(throws: StreamSourceError.self) {
      try await stream.fetch(FileRequest(path: path, bytes: 5), into: staging)
    }
    #expect(error?.code == .notFound)
    #expect(try staging.descriptor.size() == 0)
  }

  @Test func everyProblemAtOnce() {
    var stream = configuration([
      ("shards", .integer(0)), ("sample_bytes", .integer(5)), ("samples_per_shard", .integer(90_000_000)),
      ("columns", columns([("a", "jpeg"), ("b", "ndarray:int32:0"), ("c", "bytes"), ("d", "int")]).1),
      ("delay", .integer(-1)), ("sed", .integer(1)),
    ])
    stream.remote = "s3://b/k"
    stream.validateHash = "xxh64"
    let error = #expect(throws: ConfigurationProblems.self) { try SyntheticStream(stream) }
    let keys = error?.problems.map { $0.keyPath.replacing("streams.noise.", with: "") }
    #expect(
      Set(keys ?? []) == [
        "with.shards", "with.sample_bytes", "with.columns.a", "with.columns.b", "with.delay", "with.sed", "remote",
        "validate_hash",
      ], "\(error?.description ?? "")")
  }

  @Test(arguments: [
    ([("sample_bytes", ConfigurationValue.Content.text("1mb")), ("samples_per_shard", .integer(5000))], "4 GiB"),
    ([("sample_bytes", .integer(100)), ("sample_bytes_maximum", .integer(99))], "is less than sample_bytes (100)"),
    ([("columns", .text("all"))], "must be a map"),
  ])
  func impossibleSizes(keys: [(String, ConfigurationValue.Content)], message: String) {
    let error = #expect(throws: ConfigurationProblems.self) { try SyntheticStream(configuration(keys)) }
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
  }

  @Test func columnsOfFixedSizeDecideTheSample() async throws {
    let stream = try SyntheticStream(
      configuration([
        ("shards", .integer(1)), ("samples_per_shard", .integer(2)), columns([("id", "int"), ("x", "int8")]),
      ]))
    let shard = try await manifest(stream).shards[0]
    let bytes = try await fetch(stream, shard.data.raw)
    let table = try SampleTable(head: bytes, of: shard, at: 0, stream: "noise")
    #expect(table[0].count == 9 && table[1].count == 9)
    let given = columns([("x", "int8")])
    let error = #expect(throws: ConfigurationProblems.self) {
      try SyntheticStream(configuration([given, ("sample_bytes", .integer(5))]))
    }
    #expect(error?.description.contains("follows from the columns") == true)
  }

  @Test func aFetchThatWaitsCanBeCancelled() async throws {
    let stream = try SyntheticStream(configuration([("shards", .integer(1)), ("delay", .text("1h"))]))
    let record = try await manifest(stream).shards[0].data.raw
    let staging = StagingFile(descriptor: try .memoryFile("staging"))
    let task = Task { try await stream.fetch(FileRequest(path: record.basename, bytes: record.bytes), into: staging) }
    task.cancel()
    let error = await #expect(throws: StreamSourceError.self) { try await task.value }
    #expect(error?.cause == "cancelled")
  }
}
