/// Why bytes are not a frame of this protocol. Closed: every case maps to an error code of PROTOCOL.md.
public enum WireError: Error, Hashable, Sendable {
  /// `field` needs more bytes than its payload has left.
  case truncated(field: String, needed: Int, left: Int)
  /// The payload goes on after its last field.
  case trailing(bytes: Int)
  /// A field's value is outside what its type allows.
  case invalid(field: String, value: Int64, allowed: String)
  /// A text is not UTF-8.
  case notUTF8(field: String)
  /// A text or list is longer than its own limit.
  case overLimit(field: String, count: Int, limit: Int)
  /// The frame's payload is longer than the receiver takes.
  case tooLong(bytes: Int, limit: Int)
  /// No such frame in this direction.
  case unknownKind(UInt16)
  /// The first frame was something else.
  case helloExpected(kind: UInt16)
  /// The client speaks no version that this side speaks.
  case noCommonVersion(minimum: UInt16, maximum: UInt16)

  /// The code under which the daemon tells a client.
  public var code: ErrorCode {
    switch self {
    case .truncated, .trailing, .invalid, .notUTF8, .overLimit: .malformed
    case .tooLong: .tooLong
    case .unknownKind: .unknownKind
    case .helloExpected: .helloExpected
    case .noCommonVersion: .version
    }
  }
}

extension WireError: CustomStringConvertible {
  /// What is wrong, where, and what would be right.
  public var description: String {
    switch self {
    case .truncated(let field, let needed, let left):
      "\(field) needs \(needed) bytes, but the payload has \(left) left"
    case .trailing(let bytes):
      "\(bytes) bytes are left over after the payload's last field"
    case .invalid(let field, let value, let allowed):
      "\(field) is \(value); allowed is \(allowed)"
    case .notUTF8(let field):
      "\(field) is not valid UTF-8"
    case .overLimit(let field, let count, let limit):
      "\(field) has a length of \(count); at most \(limit) is allowed"
    case .tooLong(let bytes, let limit):
      "a frame announces a payload of \(bytes) bytes; at most \(limit) are allowed"
    case .unknownKind(let kind):
      "no frame in this direction is of kind 0x\(String(kind, radix: 16))"
    case .helloExpected(let kind):
      "the first frame must be hello (kind 1), not kind \(kind)"
    case .noCommonVersion(let minimum, let maximum):
      "the client speaks versions \(minimum) to \(maximum); this daemon speaks "
        + "\(ProtocolLimits.minimumVersion) to \(ProtocolLimits.maximumVersion)"
    }
  }
}
