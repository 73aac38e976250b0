import DaemonConfiguration
import LinuxSystem
import LogOutput
import Logging

/// The process's logger, as the configuration wants it.
enum LogSetup {
  static func logger(_ configuration: LogConfiguration) -> Logger {
    let shared = DaemonLogHandler.Shared(sink: sink(configuration.format))
    let level = Logger.Level(rawValue: configuration.level.rawValue) ?? .info
    return Logger(label: "sluiced") { DaemonLogHandler(label: $0, level: level, shared: shared) }
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
