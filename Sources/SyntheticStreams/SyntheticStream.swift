import DatasetModel
import LinuxSystem
import StreamRegistry
import Synchronization
import SystemPackage

/// Kind `synthetic`: samples made up from a seed, for load tests, demos and trying a mix before its data exists.
///
/// Keys under `with`, all optional: `shards` (16), `samples_per_shard` (1024), `sample_bytes` (16kb) and
/// `sample_bytes_maximum` (the same), `seed` (0), `columns` ({id: int, data: bytes}), `delay` (seconds before a shard
/// comes). A column `id` of 8 bytes holds the sample's position in the stream. Equal settings give equal bytes, on every
/// machine.
public struct SyntheticStream: StreamSource {
  private let settings: SyntheticSettings
  /// Digest of the settings: what the stream is.
  private let identity: String
  private let name: StreamName

  /// - Throws: everything that is wrong with the stream's keys.
  public init(_ configuration: StreamConfiguration) throws(ConfigurationProblems) {
    settings = try SyntheticSettings(configuration)
    name = configuration.name
    identity = Self.digest(settings)
  }

  /// Registers the kind under the name `synthetic`.
  public static func register(in registry: inout StreamRegistry) throws(StreamRegistryError) {
    try registry.register("synthetic") { try SyntheticStream($0) }
  }

  /// Names what the samples are made from, so that other settings are another stream to a cache.
  public var location: String { "synthetic:\(name)@\(identity)" }

  public func manifest() async throws -> ManifestAnswer {
    .manifest(try await offPool { _ in manifestOfShards() })
  }

  public func fetch(_ request: FileRequest, into staging: StagingFile) async throws -> FetchReceipt {
    guard let index = Self.index(of: request.path), index < settings.shards else {
      throw StreamSourceError(.notFound, "\(location) has no \(request.path)", cause: "notFound")
    }
    if let resume = request.resume, resume.validator != validator || !(0...request.bytes).contains(resume.bytes) {
      throw StreamSourceError(.restart, "\(request.path) of \(location) is not what was begun", cause: "source")
    }
    if settings.delay > 0 {
      do {
        // The wait is what was asked for: it plays a remote that is far away.
        try await Task.sleep(for: .seconds(settings.delay))
      } catch { throw cancelled(request) }
    }
    let shard = SyntheticShard(settings: settings, index: index)
    return try await offPool { isCancelled throws(StreamSourceError) in
      try fetch(shard, request, staging, isCancelled)
    }
  }

  private func fetch(
    _ shard: SyntheticShard, _ request: FileRequest, _ staging: StagingFile, _ isCancelled: Flag
  ) throws(StreamSourceError) -> FetchReceipt {
    let bytes = shard.bytes
    guard bytes == request.bytes else {
      throw StreamSourceError(
        .transient, "\(request.path) of \(location) is \(bytes) bytes long; the index says \(request.bytes)",
        cause: "wrongLength")
    }
    let start = request.resume?.bytes ?? 0
    do throws(SystemError) {
      try shard.write(from: start) { (piece, offset) throws(SystemError) in
        try staging.write(piece, at: offset)
        return !isCancelled.isSet
      }
    } catch {
      let isLocal = error.isNoSpace || error.isOutOfDescriptors || error.errno == .badFileDescriptor
      throw StreamSourceError(isLocal ? .local : .transient, "\(request.path) of \(location): \(error)", cause: "disk")
    }
    if isCancelled.isSet { throw cancelled(request) }
    return FetchReceipt(bytes: bytes, validator: validator, moved: bytes - start)
  }

  private var validator: String { "\"\(identity)\"" }

  private func cancelled(_ request: FileRequest) -> StreamSourceError {
    StreamSourceError(.transient, "\(request.path) of \(location): cancelled", cause: "cancelled")
  }

  private func manifestOfShards() -> StreamManifest {
    let schema = StreamSchema(
      format: .mds,
      columns: settings.columns.map { ColumnSchema(name: $0.name, encoding: $0.encoding, size: $0.size) })
    let shards = (0..<settings.shards).map { index in
      let record = FileRecord(
        basename: Self.basename(index), bytes: SyntheticShard(settings: settings, index: index).bytes)
      return ShardDescriptor(
        format: .mds, samples: settings.samplesPerShard, data: FilePair(raw: record), schema: 0)
    }
    return StreamManifest(shards: shards, schemas: [schema])
  }

  private static func basename(_ index: Int) -> String {
    let digits = String(index)
    return "shard.\(String(repeating: "0", count: max(0, 5 - digits.count)))\(digits).mds"
  }

  private static func index(of path: String) -> Int? {
    guard path.hasPrefix("shard."), path.hasSuffix(".mds"),
      let index = Int(path.dropFirst("shard.".count).dropLast(".mds".count)), index >= 0, path == basename(index)
    else { return nil }
    return index
  }

  /// FNV-1a over all that the bytes follow from.
  private static func digest(_ settings: SyntheticSettings) -> String {
    let columns = settings.columns.map { "\($0.name.utf8.count):\($0.name)=\($0.encoding)" }.joined(separator: ",")
    let text = "1 \(settings.shards) \(settings.samplesPerShard) \(settings.sampleBytes) \(settings.seed) \(columns)"
    let digest = text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01b3 }
    let digits = String(digest, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

extension SyntheticStream {
  /// Tells a thread that its task was cancelled.
  private final class Flag: Sendable {
    private let flag = Atomic(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
  }

  /// Runs work that computes long or writes to the disk on a thread of its own.
  private func offPool<Result: Sendable>(
    _ body: @escaping @Sendable (Flag) throws(StreamSourceError) -> Result
  ) async throws -> Result {
    let flag = Flag()
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        do throws(SystemError) {
          try BlockingThread.start("synthetic") {
            continuation.resume(with: Swift.Result { () throws(StreamSourceError) in try body(flag) }.mapError { $0 })
          }
        } catch {
          continuation.resume(throwing: StreamSourceError(.local, "\(location): \(error)", cause: "source"))
        }
      }
    } onCancel: {
      flag.set()
    }
  }
}
