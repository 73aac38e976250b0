/// One way in which a source is not what the daemon relies on.
public struct ConformanceFinding: Sendable, Hashable, CustomStringConvertible {
  /// The rule, by the name of its check.
  public let rule: String
  /// What was seen, and what should have been.
  public let message: String

  public init(_ rule: String, _ message: String) {
    self.rule = rule
    self.message = message
  }

  public var description: String { "\(rule): \(message)" }
}
