import LinuxSystem

/// Why an attempt to move a file failed, and what the caller can do about it.
public struct TransferFailure: Error, Hashable, Sendable, CustomStringConvertible {
  /// What the caller can do.
  public enum Code: UInt8, Sendable, CaseIterable {
    /// Try again: the network, a time-out, a server that is busy.
    case transient
    /// What an earlier attempt wrote no longer belongs to what the remote has: start from byte 0.
    case restart
    /// The file is not there.
    case notFound
    /// The remote refuses these credentials, or there are none.
    case refused
    /// The remote's answer can never be the file.
    case permanent
    /// This machine has no room or no descriptors left.
    case local
    /// The caller's task was cancelled.
    case cancelled
  }

  /// What went wrong, for counters: a small closed set.
  public enum Cause: UInt8, Sendable, CaseIterable {
    case network, truncated, tooLong, wrongLength, contentEncoding, contentRange, redirect, plainHTTP
    case stalled, slow, deadline, status, throttled, credentials, notFound
    case disk, descriptors, memory, fetcher, cancelled, digest, source

    /// The name in metrics.
    public var name: String { "\(self)" }
  }

  public var code: Code
  public var cause: Cause
  /// One line, without credentials or a URL's query.
  public var message: String
  public var status: Int?
  /// Seconds the remote asked to wait (`Retry-After`).
  public var retryAfterSeconds: Double?
  /// What of the file is written and can be kept: offset after the last contiguous byte, and its validator.
  public var writtenEnd: Int = 0
  public var validator: String?
  /// The region that an S3 server says the bucket is in, when the request was signed for another.
  public var region: String?

  public init(
    _ code: Code, _ cause: Cause, _ message: String, status: Int? = nil, retryAfterSeconds: Double? = nil
  ) {
    self.code = code
    self.cause = cause
    self.message = message
    self.status = status
    self.retryAfterSeconds = retryAfterSeconds
  }

  /// True when the remote asked the whole node to slow down.
  public var slowDown: Bool { cause == .throttled }

  public var description: String { message }
}

/// Moves bytes from a URL into an open file: one attempt a call. In process for tests, in fetcher processes otherwise.
public protocol Transport: Sendable {
  /// Performs `request` and writes the body into `file` at the extent's offsets.
  ///
  /// - Parameter progress: told of bytes as they are written; cheap, callable from any thread.
  func perform(
    _ request: TransferRequest, into file: OwnedDescriptor, progress: @escaping @Sendable (Int) -> Void
  ) async throws(TransferFailure) -> TransferReceipt
}
