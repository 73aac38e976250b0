import DatasetModel
import LinuxSystem

/// Where a stream's index and shards come from: the one door for every kind, built in or a user's own.
///
/// A source says what there is (`manifest`) and moves one file's bytes into a staging file (`fetch`). It makes one
/// attempt at a time and keeps no cache: retries, verification of size and digest, decompression, and where files go are
/// the daemon's. All methods may be called at once from several tasks.
public protocol StreamSource: Sendable {
  /// What the stream is called in errors and logs, without credentials and without a URL's query.
  var location: String { get }

  /// The stream's shards, as an index.json for the daemon to check and parse, or as a manifest of the source's own.
  func manifest() async throws -> ManifestAnswer

  /// Writes the bytes of one file into `staging`, from its beginning or, if the source can, from `request.resume`.
  ///
  /// - Throws: `StreamSourceError`; anything else counts as transient.
  func fetch(_ request: FileRequest, into staging: StagingFile) async throws -> FetchReceipt

  /// The directory in which the stream's files already lie on this machine, to be read in place; nil for a remote.
  var localDirectory: String? { get }

  /// Notices that the stream has changed, for a source that is told of it; nil, as by default, for one that is not. After
  /// a notice the daemon makes the source anew and asks it for the manifest: sessions keep what they opened, later ones
  /// open the new state. Several notices within a second count as one. Ends with its consumer.
  func changes() -> AsyncStream<Void>?
}

extension StreamSource {
  public var localDirectory: String? { nil }
  public func changes() -> AsyncStream<Void>? { nil }
}

/// What a source knows of its shards.
public enum ManifestAnswer: Sendable {
  /// index.json documents (version 2) by the subdirectory they describe ("" for the stream's root), in sample order,
  /// and a validator (ETag, digest, modification time) that changes when any of them does.
  case documents([IndexDocument], validator: String?)
  /// Already a manifest.
  case manifest(StreamManifest)
}

/// One file wanted of a source.
public struct FileRequest: Sendable {
  /// Path below the stream's root.
  public let path: String
  /// Exact length the index promises; more is never written.
  public let bytes: Int
  /// Where an earlier attempt stopped, if what it wrote can be kept.
  public let resume: ResumeOffset?
  /// How long the attempt may take and how slow it may be.
  public let limits: FetchLimits
  /// The digest algorithm that will be checked, for Sluice's own sources that see the bytes pass.
  package let digest: String?

  public init(path: String, bytes: Int, resume: ResumeOffset? = nil, limits: FetchLimits = FetchLimits()) {
    self.init(path: path, bytes: bytes, resume: resume, limits: limits, digest: nil)
  }

  package init(path: String, bytes: Int, resume: ResumeOffset?, limits: FetchLimits, digest: String?) {
    self.path = path
    self.bytes = bytes
    self.resume = resume
    self.limits = limits
    self.digest = digest
  }
}

/// Bytes an earlier attempt already wrote, and the remote's validator (a strong ETag) they belong to.
public struct ResumeOffset: Sendable, Hashable {
  public let bytes: Int
  public let validator: String

  public init(bytes: Int, validator: String) {
    self.bytes = bytes
    self.validator = validator
  }
}

/// Bounds on one attempt.
public struct FetchLimits: Sendable, Hashable {
  /// Seconds without a byte after which the attempt fails (`download_timeout`; the reference's default is 60).
  public var idleSeconds = 60.0
  /// Least mean bytes per second, judged after `idleSeconds`; 0 for none.
  public var minimumBytesPerSecond = 1024.0
  /// Seconds for the whole attempt.
  public var deadlineSeconds = 3600.0

  public init() {}
}

/// What an attempt delivered.
public struct FetchReceipt: Sendable {
  /// Bytes now in the staging file.
  public let bytes: Int
  /// The remote's validator for these bytes, if it gave a strong one.
  public let validator: String?
  /// Bytes that crossed the network or disk for this attempt.
  public let moved: Int
  /// The digest that was asked for, of every byte of the file as it was written; nil to have the file read back. Kinds
  /// from outside cannot set it: their files are always read back.
  package let digest: String?

  public init(bytes: Int, validator: String? = nil, moved: Int) {
    self.init(bytes: bytes, validator: validator, moved: moved, digest: nil)
  }

  package init(bytes: Int, validator: String?, moved: Int, digest: String?) {
    self.bytes = bytes
    self.validator = validator
    self.moved = moved
    self.digest = digest
  }
}

/// A file that is being filled. Bytes may arrive in any order; the daemon verifies them afterwards.
public struct StagingFile: Sendable {
  /// Open for reading and writing.
  public let descriptor: OwnedDescriptor
  /// Told of bytes as they arrive, for progress and pacing; cheap and callable from any thread.
  public let progress: @Sendable (_ additionalBytes: Int) -> Void

  public init(descriptor: OwnedDescriptor, progress: @escaping @Sendable (Int) -> Void = { _ in }) {
    self.descriptor = descriptor
    self.progress = progress
  }

  /// Writes `bytes` at byte `offset` of the file.
  public func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) {
    try descriptor.write(bytes, at: offset)
    progress(bytes.count)
  }
}
