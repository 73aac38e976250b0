/// Why a stream could not be written: what the caller can do, and one line that says what is wrong and where.
public struct PackError: Error, Sendable, Hashable, CustomStringConvertible {
  public enum Code: String, Sendable {
    /// An option is wrong; nothing has been written.
    case options
    /// The input holds something that cannot be written as asked: change it, or the columns.
    case input
    /// A limit of the format: more, smaller shards or samples.
    case limit
    /// Reading or writing failed.
    case system
  }

  public let code: Code
  public let message: String

  public init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message
  }

  public var description: String { message }
}

/// Text from outside, fit for a message: in quotes, control characters escaped, cut to a length that fits a line.
func quoted(_ text: String) -> String {
  let limit = 60
  return text.count <= limit ? text.debugDescription : String(text.prefix(limit)).debugDescription + "…"
}
