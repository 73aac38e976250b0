import LinuxSystem
import Logging
import Synchronization

/// While the daemon starts, asks the service manager for more time again and again: how long the recovery of a large
/// cache takes is nothing that a unit can know. Not for ever: after an hour a start that hangs is given up.
final class StartNotices: Sendable {
  /// Asked for at a time, and how often.
  private static let share = Duration.seconds(60)
  private static let interval = Duration.seconds(20)
  private static let rounds = 180

  private let task: Mutex<Task<Void, Never>?>

  init(_ notifier: ServiceNotifier?, logger: Logger) {
    guard let notifier else {
      task = Mutex(nil)
      return
    }
    task = Mutex(
      Task {
        for _ in 0..<Self.rounds {
          do {
            try notifier.extendTimeout(by: Self.share)
          } catch {
            logger.warning("the service manager could not be told", metadata: ["error": "\(error)"])
          }
          do { try await Task.sleep(for: Self.interval) } catch { return }
        }
      })
    Self.tell(notifier, "recovering the cache", logger)
  }

  /// What the start is at, for the service manager's own status line.
  static func tell(_ notifier: ServiceNotifier?, _ status: String, _ logger: Logger) {
    do {
      try notifier?.status(status)
    } catch {
      logger.warning("the service manager could not be told", metadata: ["error": "\(error)"])
    }
  }

  /// The daemon serves, or has failed to: no more time is wanted.
  func end() {
    task.withLock { task in
      task?.cancel()
      task = nil
    }
  }
}
