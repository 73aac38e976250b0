import Logging

/// One event: what every output is made from.
public struct LogRecord: Sendable {
  /// Seconds since 1970.
  public let time: Double
  public let level: Logger.Level
  public let label: String
  public let message: String
  /// Sorted by name. Values are text without secrets: whoever logs them sees to that.
  public let fields: [(name: String, value: String)]

  public init(
    time: Double, level: Logger.Level, label: String, message: String, fields: [(name: String, value: String)]
  ) {
    self.time = time
    self.level = level
    self.label = label
    self.message = message
    self.fields = fields
  }
}

/// Where records go.
public protocol LogSink: Sendable {
  /// Writes one record; must not block for long and must not log.
  func write(_ record: LogRecord)
}
