import DatasetModel
import LinuxSystem

/// Why a shard could not be had, or the cache not be opened.
public struct CacheError: Error, Sendable, CustomStringConvertible {
  /// What the caller can do.
  public enum Code: String, Sendable {
    /// The limit can never hold what was asked for at once: raise it, unpin, or ask for less.
    case limitTooSmall
    /// The disk is full and nothing of the cache's could make room in time: free space, then try again.
    case noSpace
    /// The wait was longer than its deadline: try again later.
    case deadline
    /// The shard could not be fetched: try again later; the cause says more.
    case unavailable
    /// The shard is not what its index says, after all attempts: mend the remote.
    case corrupt
    /// The configuration asks for what cannot be: mend it.
    case configuration
    /// Another process has the directory: stop it, or use another directory.
    case locked
    /// The cache's own directory does not work: mend the disk or its permissions.
    case directory
    /// The caller was cancelled, or the cache is closing.
    case closed
  }

  public let code: Code
  /// One line with everything that is known: stream, shard, state, attempts, cause.
  public let message: String
  public let stream: StreamName?
  /// The shard's name (its data file's basename).
  public let shard: String?
  /// Fetches of the shard so far.
  public let attempts: Int
  /// Bytes that would do, for `limitTooSmall`.
  public let leastBytes: Int?
  public let cause: (any Error)?

  public init(
    _ code: Code, _ message: String, stream: StreamName? = nil, shard: String? = nil, attempts: Int = 0,
    leastBytes: Int? = nil, cause: (any Error)? = nil
  ) {
    self.code = code
    self.message = message
    self.stream = stream
    self.shard = shard
    self.attempts = attempts
    self.leastBytes = leastBytes
    self.cause = cause
  }

  /// An error about one shard; its message begins with the stream and the shard.
  init(
    _ code: Code, _ what: String, request: ShardRequest, attempts: Int = 0, cause: (any Error)? = nil
  ) {
    self.init(
      code, "stream \(request.stream), shard \(request.name): \(what)", stream: request.stream, shard: request.name,
      attempts: attempts, cause: cause)
  }

  init(_ code: Code = .directory, system error: SystemError) {
    self.init(error.isNoSpace ? .noSpace : code, error.description, cause: error)
  }

  public var description: String { message }

  /// True when room on the disk is what is missing.
  static func isNoSpace(_ error: any Error) -> Bool {
    if let system = error as? SystemError { return system.isNoSpace }
    return (error as? CacheError)?.code == .noSpace
  }
}
