import DatasetModel
import StreamRegistry

/// A file that could not be fetched: which, from where, how often it was tried, and the last reason.
public struct StreamFetchError: Error, Sendable, CustomStringConvertible {
  public let stream: StreamName
  /// Path below the stream's root.
  public let file: String
  /// The stream's root, without a URL's query.
  public let location: String
  public let attempts: Int
  /// The last attempt's failure; its code says what the caller can do.
  public let last: StreamSourceError
  /// The last attempt delivered something that is not what the index says.
  public let isCorrupt: Bool

  public init(
    stream: StreamName, file: String, location: String, attempts: Int, last: StreamSourceError, isCorrupt: Bool = false
  ) {
    self.stream = stream
    self.file = file
    self.location = location
    self.attempts = attempts
    self.last = last
    self.isCorrupt = isCorrupt
  }

  public var code: StreamSourceError.Code { last.code }

  public var description: String {
    let tries = attempts == 1 ? "1 attempt" : "\(attempts) attempts"
    return "stream \(stream): \(file) of \(location) could not be fetched (\(tries)): \(last.message)"
  }
}

/// An attempt that failed and is followed by another, for the log.
public struct RetryNotice: Sendable, CustomStringConvertible {
  public let error: StreamFetchError
  /// Seconds until the next attempt.
  public let seconds: Double

  public var description: String { "\(error); again in \((seconds * 10).rounded() / 10) s" }
}
