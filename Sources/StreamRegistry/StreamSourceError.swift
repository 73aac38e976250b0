/// Why a source could not deliver, and what the caller can do about it.
public struct StreamSourceError: Error, Sendable, CustomStringConvertible {
  /// What the caller can do.
  public enum Code: String, Sendable {
    /// Try again: the network, a time-out, a server that is busy.
    case transient
    /// The bytes that an earlier attempt wrote no longer belong to what the remote has: start from byte 0.
    case restart
    /// The file is not there. Trying again does not help; the index or the location is wrong.
    case notFound
    /// The remote refuses these credentials, or there are none.
    case refused
    /// The remote answers something that can never be the file (redirect to plain http, wrong encoding).
    case permanent
    /// This machine has no room or no descriptors left; the remote is not to blame.
    case local
  }

  public let code: Code
  /// One line naming what failed and where, without credentials or a URL's query.
  public let message: String
  /// Seconds the remote asked to wait (`Retry-After`), if it did.
  public let retryAfterSeconds: Double?
  /// True when the remote asked the whole node to slow down (429, 503).
  public let slowDown: Bool
  /// What of the file was written and can be kept by the next attempt, if the source can resume.
  public let resume: ResumeOffset?
  /// A short name of what went wrong, for counters; one of a small set.
  public let cause: String

  public init(
    _ code: Code, _ message: String, retryAfterSeconds: Double? = nil, slowDown: Bool = false,
    resume: ResumeOffset? = nil, cause: String? = nil
  ) {
    self.code = code
    self.message = message
    self.retryAfterSeconds = retryAfterSeconds
    self.slowDown = slowDown
    self.resume = resume
    self.cause = cause ?? code.rawValue
  }

  public var description: String { message }
}
