import DatasetModel
import Logging
import Synchronization

/// Where commands of `exec` streams have their lines go: known before the logger, which the configuration decides.
final class CommandLog: Sendable {
  private let logger = Mutex<Logger?>(nil)

  /// Puts the daemon's logger behind this one, before any command runs.
  func set(_ logger: Logger) { self.logger.withLock { $0 = logger } }

  /// One line that a command printed.
  func write(_ stream: StreamName, _ line: String) {
    logger.withLock { $0 }?.info("\(line)", metadata: ["stream": "\(stream)", "source": "command"])
  }
}
