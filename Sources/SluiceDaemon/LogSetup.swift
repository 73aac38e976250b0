import DaemonConfiguration
import LinuxSystem
import LogOutput
import Logging

/// The process's logger, as the configuration wants it.
enum LogSetup {
  /// The logger, and what it shares with all that are made from it.
  static func logger(_ configuration: LogConfiguration) -> (logger: Logger, shared: DaemonLogHandler.Shared) {
    let shared = DaemonLogHandler.Shared(sink: sink(configuration.format), level: level(configuration.level))
    let logger = Logger(label: "sluiced") { DaemonLogHandler(label: $0, shared: shared) }
    return (logger, shared)
  }

  static func level(_ level: LogConfiguration.Level) -> Logger.Level {
    Logger.Level(rawValue: level.rawValue) ?? .info
  }

  private static func sink(_ format: LogConfiguration.Format) -> any LogSink {
    switch format {
    case .text: return TextLogSink()
    case .json: return JSONLogSink()
    case .auto where !JournalSocket.isStandardError: return TextLogSink()
    case .auto, .journal:
      do {
        return JournalLogSink(try JournalSocket())
      } catch {
        StandardError.write(line: "the journal cannot be reached (\(error)); logging to standard error")
        return TextLogSink()
      }
    }
  }
}
