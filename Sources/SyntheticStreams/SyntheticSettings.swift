import DatasetModel
import StreamRegistry

/// What `with:` of a stream of kind `synthetic` says.
struct SyntheticSettings: Sendable, Hashable {
  /// Most bytes of a shard: MDS has 32-bit offsets.
  static let maximumShardBytes = Int(UInt32.max)

  var shards: Int
  var samplesPerShard: Int
  /// Bytes of a sample, the lengths of its columns included.
  var sampleBytes: ClosedRange<Int>
  var seed: Int
  /// Sorted by name, as MDS has them.
  var columns: [SyntheticColumn]
  /// Seconds before a shard comes, as if it were far away.
  var delay: Double

  init(_ stream: StreamConfiguration) throws(ConfigurationProblems) {
    var reader = stream.withReader()
    shards = reader.integer("shards", in: 1...10_000_000, default: 16)
    samplesPerShard = reader.integer("samples_per_shard", in: 1...100_000_000, default: 1024)
    seed = reader.integer("seed", in: 0...Int.max, default: 0)
    delay = reader.seconds("delay", zero: true, default: 0)
    let least = reader.bytes("sample_bytes", atLeast: 1)
    let most = reader.bytes("sample_bytes_maximum", atLeast: 1)
    columns = Self.columns(&reader)
    sampleBytes = 0...0
    sampleBytes = sizes(least, most, &reader)
    let head = MDSHead(samples: samplesPerShard, columns: columns).bytes.count
    let (body, overflow) = samplesPerShard.multipliedReportingOverflow(by: sampleBytes.upperBound)
    if overflow || body > Self.maximumShardBytes - head {
      reader.report(
        "samples_per_shard", "makes shards of more than 4 GiB, which MDS cannot hold; make more, smaller ones")
    }
    if stream.validateHash != nil {
      reader.absorb([stream.problem("validate_hash", "finds no digests in a synthetic stream; leave it out")])
    }
    for (key, isGiven) in [("remote", stream.remote != nil), ("local", stream.local != nil)] where isGiven {
      reader.absorb([stream.problem(key, "is not for synthetic streams, which come from nowhere; leave it out")])
    }
    if !stream.credentials.isNull {
      reader.absorb([stream.problem("credentials", "is not for synthetic streams, which need none; leave it out")])
    }
    if stream.subdirectories != .none {
      reader.absorb([stream.problem("subdirectories", "is not for synthetic streams; leave it out")])
    }
    try reader.finish()
  }

  private static func columns(_ reader: inout ConfigurationReader) -> [SyntheticColumn] {
    let usual = [("data", "bytes"), ("id", "int")].compactMap { SyntheticColumn(name: $0, encoding: $1) }
    guard let value = reader.value("columns") else { return usual }
    guard let map = value.map, !map.entries.isEmpty else {
      reader.report("columns", "must be a map of names to encodings ({id: int, data: bytes})")
      return usual
    }
    var columns: [SyntheticColumn] = []
    for entry in map.entries {
      if let encoding = entry.value.text, let column = SyntheticColumn(name: entry.key, encoding: encoding) {
        columns.append(column)
      } else {
        let path = "\(reader.keyPath("columns")).\(entry.key)"
        let message = "must be an encoding that values can be made up for: \(SyntheticColumn.encodings)"
        reader.absorb([ConfigurationProblem(line: entry.line, keyPath: path, message: message)])
      }
    }
    return columns.isEmpty ? usual : columns.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// The bytes that columns of fixed size and the lengths of the others take.
  var fixedBytes: Int { columns.reduce(0) { $0 + ($1.size ?? 4) } }

  private func sizes(_ least: Int?, _ most: Int?, _ reader: inout ConfigurationReader) -> ClosedRange<Int> {
    guard columns.contains(where: { $0.size == nil }) else {
      for (key, given) in [("sample_bytes", least), ("sample_bytes_maximum", most)] where given != nil {
        reader.report(key, "follows from the columns, which all have fixed sizes (\(fixedBytes) bytes); leave it out")
      }
      return fixedBytes...fixedBytes
    }
    let from = least ?? max(fixedBytes, 16 << 10)
    if from < fixedBytes {
      reader.report("sample_bytes", "is less than the \(fixedBytes) bytes that the columns take at least")
    }
    let to = most ?? from
    if to < from { reader.report("sample_bytes_maximum", "is less than sample_bytes (\(from))") }
    return from...max(from, to)
  }
}

/// What stands before the samples of an MDS file, offsets apart; formats.md §2.
struct MDSHead: Sendable {
  /// The writer's settings, which readers skip.
  let settings: [UInt8]
  let samples: Int

  init(samples: Int, columns: [SyntheticColumn]) {
    self.samples = samples
    func list(_ items: [ConfigurationValue.Content]) -> ConfigurationValue {
      ConfigurationValue(.list(items.map { ConfigurationValue($0) }))
    }
    let keys: [(String, ConfigurationValue)] = [
      ("column_encodings", list(columns.map { .text($0.encoding) })),
      ("column_names", list(columns.map { .text($0.name) })),
      ("column_sizes", list(columns.map { $0.size.map { .integer($0) } ?? .null })),
      ("compression", .null), ("format", ConfigurationValue(.text("mds"))), ("hashes", list([])),
      ("size_limit", .null), ("version", ConfigurationValue(.integer(2))),
    ]
    let map = ConfigurationMap(keys.map { ConfigurationMap.Entry(key: $0, value: $1) })
    settings = Array(ConfigurationValue(.map(map)).json.utf8)
  }

  /// Bytes before the first sample.
  var bytes: Range<Int> { 0..<(4 + 4 * (samples + 1) + settings.count) }
}
