import Logging

/// One event: what every output is made from.
///
/// Levels mean the same everywhere in the daemon:
/// - critical: it cannot go on;
/// - error: a request, a stream or a reload failed, and not by the client's doing: somebody should look;
/// - warning: something is wrong that it deals with by itself: a failed attempt, a damaged file, a tight limit;
/// - notice: its own life (ready, reloaded, stopping), and what clients were refused because they asked wrongly;
/// - info: streams, sessions and plans come and go;
/// - debug: every connection and shard; trace: nothing so far.
///
/// Messages are constants, by which a flood is told; what varies is in the fields.
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
