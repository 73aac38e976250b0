/// The name under which an operator registered a stream. Never a path, never sent to a remote.
public struct StreamName: Hashable, Sendable, Comparable, CustomStringConvertible, ExpressibleByStringLiteral {
  public let rawValue: String

  public init(_ rawValue: String) { self.rawValue = rawValue }
  public init(stringLiteral value: String) { self.init(value) }

  public var description: String { rawValue }
  public static func < (left: StreamName, right: StreamName) -> Bool { left.rawValue < right.rawValue }
}

/// The name under which an operator registered a dataset: streams, and how to mix and batch them.
public struct DatasetName: Hashable, Sendable, Comparable, CustomStringConvertible, ExpressibleByStringLiteral {
  public let rawValue: String

  public init(_ rawValue: String) { self.rawValue = rawValue }
  public init(stringLiteral value: String) { self.init(value) }

  public var description: String { rawValue }
  public static func < (left: DatasetName, right: DatasetName) -> Bool { left.rawValue < right.rawValue }
}
