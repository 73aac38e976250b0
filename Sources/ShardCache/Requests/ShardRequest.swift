import Codecs
import DatasetModel

/// One shard as a session wants it. Making one works out its key, so make them once a stream, not once a batch.
public struct ShardRequest: Sendable {
  /// Where the shard's files come from.
  public enum Source: Sendable {
    /// Fetched through a provider into the cache.
    case provider(any ShardProvider)
    /// They lie in this directory of a user's: read in place, never counted, moved or deleted. Where only the compressed
    /// form lies there, the cache keeps a decompressed copy of its own.
    case directory(String)
  }

  /// Kept behind one reference: requests are handed about and kept by the hundred thousand.
  private final class Details: Sendable {
    let stream: StreamName
    let location: String
    let shard: ShardDescriptor
    let source: Source
    let validateHash: String?
    let keepZip: Bool
    let attempts: Int

    init(
      stream: StreamName, location: String, shard: ShardDescriptor, source: Source, validateHash: String?,
      keepZip: Bool, attempts: Int
    ) {
      self.stream = stream
      self.location = location
      self.shard = shard
      self.source = source
      self.validateHash = validateHash
      self.keepZip = keepZip
      self.attempts = attempts
    }
  }

  public let key: ShardKey
  /// Bytes that a cached copy takes.
  public let residentBytes: Int
  /// The most bytes that preparing a copy takes: compressed and raw together.
  public let peakBytes: Int
  private let details: Details

  public var stream: StreamName { details.stream }
  /// What the stream is called in errors, without credentials; part of the key.
  public var location: String { details.location }
  public var shard: ShardDescriptor { details.shard }
  public var source: Source { details.source }
  /// The digest that must be checked (`validate_hash`). When nil, the cheapest that the index lists is checked.
  public var validateHash: String? { details.validateHash }
  /// Whether the compressed files stay beside the raw ones (`keep_zip`).
  public var keepZip: Bool { details.keepZip }
  /// How often in all the shard is fetched before files that are not what the index says are given up.
  public var attempts: Int { details.attempts }

  public init(
    stream: StreamName, location: String, shard: ShardDescriptor, source: Source, validateHash: String? = nil,
    keepZip: Bool = false, attempts: Int = 2
  ) {
    details = Details(
      stream: stream, location: location, shard: shard, source: source, validateHash: validateHash, keepZip: keepZip,
      attempts: max(1, attempts))
    key = ShardKey(location: location, shard: shard)
    residentBytes = (keepZip ? shard.peakBytes : shard.rawBytes) + ShardRecord.chargedBytes
    peakBytes = shard.peakBytes + ShardRecord.chargedBytes
  }

  /// The shard's name in messages: its data file's.
  public var name: String { shard.data.raw.basename }

  /// True when the shard is read where it lies, as far as can be said without looking: it takes nothing of the cache.
  public var isReadInPlace: Bool {
    guard case .directory = source else { return false }
    return shard.data.zip == nil
  }

  /// Refuses what can never be verified: a digest that is unknown, or that the index does not list.
  func check() throws(CacheError) {
    guard let name = validateHash else { return }
    guard DigestAlgorithm(rawValue: name) != nil else {
      throw CacheError(.configuration, "validate_hash: \(CodecError.unknownDigest(name: name))", request: self)
    }
    for file in shard.files where file.stored.hashes[name] == nil {
      let listed = file.stored.hashes.keys.sorted().joined(separator: ", ")
      throw CacheError(
        .configuration,
        "validate_hash is \(name), but the index has no such digest of \(file.stored.basename); it has "
          + (listed.isEmpty ? "none" : listed), request: self)
    }
  }
}

/// Brings one file's bytes from wherever they are. Retries, back-off and limits of the network are the provider's.
public protocol ShardProvider: Sendable {
  /// Writes the `file.bytes` bytes of a stored file (`FilePair.stored`) into `staging`, in any order, and no more.
  ///
  /// - Returns: the digest algorithm by which the provider has found the whole file to be what the index says; nil when
  ///   the cache is to check it.
  /// - Throws: anything; the cache passes it on as the cause. A `CacheError` of code `noSpace`, or a `SystemError` that
  ///   is one, makes the cache free room and try again.
  func fetch(_ file: FileRecord, into staging: ShardStaging) async throws -> String?
}
