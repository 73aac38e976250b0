import WireProtocol

/// An error as a client is told it: a code of the protocol, whether asking again helps, and what, where, what instead.
struct ServerError: Error, CustomStringConvertible {
  let code: ErrorCode
  let retry: RetryAdvice
  let message: String
  /// What lies behind it, for the log.
  let cause: (any Error)?

  init(_ code: ErrorCode, _ message: String, retry: RetryAdvice = .never, cause: (any Error)? = nil) {
    self.code = code
    self.retry = retry
    self.message = message
    self.cause = cause
  }

  var description: String { message }

  /// The frame that tells the client.
  var reply: ErrorReply { ErrorReply(code, retry: retry, message: message) }
}
