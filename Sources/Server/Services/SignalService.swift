import LinuxSystem
import Logging
import ServiceLifecycle
import Synchronization
import UnixSignals

/// SIGTERM and SIGINT drain, a second one ends at once; SIGHUP reads the configuration again.
final class SignalService: Sendable {
  private let logger: Logger
  private let parts: DaemonParts

  init(logger: Logger, parts: DaemonParts) {
    self.logger = logger
    self.parts = parts
  }

  /// Handles signals for the rest of the process's life.
  func start(stopping group: ServiceGroup, notifier: ServiceNotifier?) {
    let logger = logger
    let parts = parts
    Task {
      var stops = 0
      for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint, .sighup) {
        if signal == .sighup {
          _ = parts.admin.reload()
          continue
        }
        stops += 1
        if stops > 1 {
          logger.warning("stopped at once by a second signal")
          ProcessSettings.exitNow(130)
        }
        logger.notice("stopping", metadata: ["signal": "\(signal)", "underway": "\(parts.drain.underWay)"])
        do {
          try notifier?.stopping(status: "finishing the requests under way")
        } catch {
          logger.debug("the service manager could not be told", metadata: ["error": "\(error)"])
        }
        await group.triggerGracefulShutdown()
      }
    }
  }
}
