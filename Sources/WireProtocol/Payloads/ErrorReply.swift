/// Whether asking again can help.
public enum RetryAdvice: Hashable, Sendable {
  /// The same request will fail again.
  case never
  /// Ask again after reconnecting.
  case afterReconnect
  /// Ask again after this many milliseconds.
  case after(milliseconds: UInt32)
}

/// 0x80FF error: ends a request, or with request number 0 tells something of the connection.
public struct ErrorReply: ReplyPayload, Error {
  /// The code as received; a newer daemon's may be one that this version has no name for.
  public var number: UInt16
  public var retry: RetryAdvice
  /// What, where, and what would be right.
  public var message: String

  public init(_ code: ErrorCode, retry: RetryAdvice = .never, message: String) {
    number = code.rawValue
    self.retry = retry
    self.message = message
  }

  /// The frame that tells a client what is wrong with its bytes.
  public init(_ error: WireError) {
    self.init(error.code, message: error.description)
  }

  /// The code, if this version has a name for it.
  public var code: ErrorCode? { ErrorCode(rawValue: number) }

  public var kind: FrameKind { .error }
  public init?(_ reply: Reply) {
    guard case .error(let payload) = reply else { return nil }
    self = payload
  }

  public func encode(into writer: inout FrameWriter) {
    writer.integer(number)
    switch retry {
    case .never:
      writer.integer(UInt8(0))
      writer.integer(UInt32(0))
    case .afterReconnect:
      writer.integer(UInt8(1))
      writer.integer(UInt32(0))
    case .after(let milliseconds):
      writer.integer(UInt8(2))
      writer.integer(milliseconds)
    }
    writer.text(message)
  }

  public init(from reader: inout FrameReader) throws(WireError) {
    number = try reader.integer("code")
    let advice = try reader.integer("retry", as: UInt8.self)
    let after = try reader.integer("after", as: UInt32.self)
    switch advice {
    case 0: retry = .never
    case 1: retry = .afterReconnect
    case 2: retry = .after(milliseconds: after)
    default: throw .invalid(field: "retry", value: Int64(advice), allowed: "0, 1 or 2")
    }
    message = try reader.text("message")
  }
}

extension ErrorReply: CustomStringConvertible {
  public var description: String { "error \(number) (\(code.map { "\($0)" } ?? "unknown")): \(message)" }
}
