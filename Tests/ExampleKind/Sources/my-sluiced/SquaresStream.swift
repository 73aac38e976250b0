import DatasetModel
import StreamRegistry

/// A kind of one's own: numbers and their squares, as MDS shards.
///
/// ```yaml
/// streams:
///   squares: {kind: squares, with: {count: 1000, samples_per_shard: 100}}
/// ```
struct SquaresStream: StreamSource {
  private let count: Int
  private let samplesPerShard: Int
  let location: String

  init(_ configuration: StreamConfiguration) throws {
    var reader = configuration.withReader()
    count = reader.integer("count", in: 1...1_000_000, default: 1000)
    samplesPerShard = reader.integer("samples_per_shard", in: 1...10_000, default: 100)
    try reader.finish()
    location = configuration.location
  }

  func manifest() async throws -> ManifestAnswer {
    let columns = ["number", "square"].map { ColumnSchema(name: $0, encoding: "int", size: 8) }
    let shards = stride(from: 0, to: count, by: samplesPerShard).map { first in
      let record = FileRecord(basename: "squares-\(first).mds", bytes: shard(from: first).count)
      return ShardDescriptor(
        format: .mds, samples: min(samplesPerShard, count - first), data: FilePair(raw: record), schema: 0)
    }
    return .manifest(StreamManifest(shards: shards, schemas: [StreamSchema(format: .mds, columns: columns)]))
  }

  func fetch(_ request: FileRequest, into staging: StagingFile) async throws -> FetchReceipt {
    let digits = request.path.drop { !$0.isNumber }.dropLast(".mds".count)
    guard let first = Int(digits), first < count, first % samplesPerShard == 0 else {
      throw StreamSourceError(.notFound, "\(location) has no \(request.path)")
    }
    let bytes = shard(from: first)
    guard bytes.count == request.bytes else {
      throw StreamSourceError(.transient, "\(request.path) has \(bytes.count) bytes, not \(request.bytes)")
    }
    do {
      try bytes.withUnsafeBytes { try staging.write($0, at: 0) }
    } catch { throw StreamSourceError(.local, "\(request.path): \(error)") }
    return FetchReceipt(bytes: bytes.count, moved: bytes.count)
  }

  /// An MDS file: the count of samples, their offsets, no writer's settings, then two 64-bit numbers a sample.
  private func shard(from first: Int) -> [UInt8] {
    let numbers = first..<min(first + samplesPerShard, count)
    var bytes: [UInt8] = []
    func append(_ number: some FixedWidthInteger) { withUnsafeBytes(of: number.littleEndian) { bytes += $0 } }
    append(UInt32(numbers.count))
    let head = 4 + 4 * (numbers.count + 1)
    for sample in 0...numbers.count { append(UInt32(head + 16 * sample)) }
    for number in numbers {
      append(Int64(number))
      append(Int64(number * number))
    }
    return bytes
  }
}
