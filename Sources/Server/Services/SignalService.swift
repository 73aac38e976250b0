import DaemonConfiguration
import Dispatch
import LinuxSystem
import Logging
import ServiceLifecycle
import Synchronization
import UnixSignals

/// SIGTERM and SIGINT drain, a second one ends at once; SIGHUP reads the configuration again.
final class SignalService: Sendable {
  /// Beyond the drain itself, for what ends after it.
  private static let grace = Duration.seconds(10)

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
          // A file is read and names are looked up: not on the cooperative pool.
          DispatchQueue.global().async { _ = parts.admin.reload() }
          continue
        }
        stops += 1
        if stops > 1 {
          logger.warning("stopped at once by a second signal")
          ProcessSettings.exitNow(130)
        }
        logger.notice("stopping", metadata: ["signal": "\(signal)", "underway": "\(parts.drain.underWay)"])
        announceStop(notifier)
        await group.triggerGracefulShutdown()
      }
    }
  }

  /// Tells the service manager, asks it for the time that draining may take, and sees to it that it takes no longer.
  private func announceStop(_ notifier: ServiceNotifier?) {
    let logger = logger
    let longest = Duration.seconds(parts.datasets.current.drainSeconds) + Self.grace
    do {
      try notifier?.stopping(status: "finishing the requests under way")
      try notifier?.extendTimeout(by: longest + Self.grace)
    } catch {
      logger.debug("the service manager could not be told", metadata: ["error": "\(error)"])
    }
    Task {
      do { try await Task.sleep(for: longest) } catch { return }
      logger.critical("something did not end in time; stopped at once")
      ProcessSettings.exitNow(1)
    }
  }
}
