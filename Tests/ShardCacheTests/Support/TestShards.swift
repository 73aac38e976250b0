import Codecs
import DatasetModel
import LinuxSystem
import Synchronization

@testable import ShardCache

/// Shards made up for tests: their bytes follow from their number.
struct TestShard: Sendable {
  let descriptor: ShardDescriptor
  /// Stored bytes by basename: what a remote holds.
  let stored: [String: [UInt8]]
  let raw: [String: [UInt8]]

  init(
    _ number: Int, bytes: Int = 3000, compression: String? = nil, split: Bool = false, hashes: [String] = ["xxh64"],
    seed: Int = 0
  ) throws {
    var stored: [String: [UInt8]] = [:]
    var raw: [String: [UInt8]] = [:]
    func pair(_ name: String, _ content: [UInt8]) throws -> FilePair {
      let record = FileRecord(basename: name, bytes: content.count, hashes: try digests(content))
      raw[name] = content
      guard let compression else {
        stored[name] = content
        return FilePair(raw: record)
      }
      let parsed = try Compression(parsing: compression)
      let zip = try Compressor.compress(content, parsed)
      let zipName = "\(name).\(parsed.family.rawValue)"
      stored[zipName] = zip
      return FilePair(raw: record, zip: FileRecord(basename: zipName, bytes: zip.count, hashes: try digests(zip)))
    }
    func digests(_ content: [UInt8]) throws -> [String: String] {
      var digests: [String: String] = [:]
      for name in hashes { digests[name] = try Digest.hex(name, of: content) }
      return digests
    }
    let name = "shard.\(String(repeating: "0", count: max(0, 5 - String(number).count)))\(number).mds"
    let data = try pair(name, Self.content(number, bytes, seed))
    let meta = try split ? pair("\(name).meta", Self.content(number + 7777, 100, seed)) : nil
    descriptor = ShardDescriptor(
      format: split ? .json : .mds, samples: 10, data: data, meta: meta, compression: compression, schema: 0)
    self.stored = stored
    self.raw = raw
  }

  /// Bytes that look different for every number, and compress a little.
  static func content(_ number: Int, _ count: Int, _ seed: Int) -> [UInt8] {
    var state = UInt64(truncatingIfNeeded: number &* 7919 &+ seed) &+ 0x9e37_79b9_7f4a_7c15
    return (0..<count).map { _ in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: state >> 60)
    }
  }

  func request(
    from source: ShardRequest.Source, stream: StreamName = "c4", location: String = "s3://bucket/c4",
    validateHash: String? = nil, keepZip: Bool = false, attempts: Int = 2
  ) -> ShardRequest {
    ShardRequest(
      stream: stream, location: location, shard: descriptor, source: source, validateHash: validateHash,
      keepZip: keepZip, attempts: attempts)
  }
}

/// A remote that counts, and does what a test tells it to before it delivers.
final class TestProvider: ShardProvider {
  typealias Hook = @Sendable (FileRecord, ShardStaging) async throws -> Bool

  private let stored: Mutex<[String: [UInt8]]>
  private let counts = Mutex<[String: Int]>([:])
  private let hook: Mutex<Hook?>
  /// The digest by which it claims to have checked every file.
  private let checked: String?

  /// `hook` answers whether the bytes should still be delivered.
  init(_ shards: [TestShard], checked: String? = nil, hook: Hook? = nil) {
    self.checked = checked
    var all: [String: [UInt8]] = [:]
    for shard in shards { all.merge(shard.stored) { first, _ in first } }
    stored = Mutex(all)
    self.hook = Mutex(hook)
  }

  struct Missing: Error, CustomStringConvertible {
    let name: String
    var description: String { "no object \(name)" }
  }

  func setHook(_ hook: Hook?) { self.hook.withLock { $0 = hook } }

  func replace(_ name: String, with bytes: [UInt8]) { stored.withLock { $0[name] = bytes } }

  /// Fetches of each file so far.
  var fetches: [String: Int] { counts.withLock { $0 } }

  var totalFetches: Int { fetches.values.reduce(0, +) }

  func fetch(_ file: FileRecord, into staging: ShardStaging) async throws -> String? {
    counts.withLock { $0[file.basename, default: 0] += 1 }
    if let hook = hook.withLock({ $0 }), try await !hook(file, staging) { return checked }
    guard let bytes = stored.withLock({ $0[file.basename] }) else { throw Missing(name: file.basename) }
    // In pieces, the second first, as a fetcher of ranges would.
    let half = bytes.count / 2
    try staging.descriptor.write(Array(bytes[half...]), at: half)
    staging.progress(bytes.count - half)
    try staging.descriptor.write(Array(bytes[..<half]), at: 0)
    staging.progress(half)
    return checked
  }
}

extension ContinuousClock.Instant {
  /// A deadline that only a test that hangs reaches.
  static var soon: ContinuousClock.Instant { .now + .seconds(30) }
}

extension ShardLease {
  /// The data file's bytes.
  var bytes: [UInt8] {
    get throws { try data.read(count: try data.size(), at: 0) }
  }
}
