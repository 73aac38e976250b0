import DaemonClient
import LinuxSystem
import LocalSocket
import Logging
import ServiceLifecycle
import WireProtocol

/// Feeds systemd's watchdog, but only after a real probe: connect to the daemon's own socket, say hello, ask for health.
struct WatchdogService: Service {
  let notifier: ServiceNotifier?
  let parts: DaemonParts
  let socket: String
  let logger: Logger
  private let pool = BlockingPool(name: "sluice-watchdog", threads: 1)

  init(notifier: ServiceNotifier?, parts: DaemonParts, socket: String, logger: Logger) {
    self.notifier = notifier
    self.parts = parts
    self.socket = socket
    self.logger = logger
  }

  func run() async throws {
    guard let notifier, let interval = notifier.watchdogInterval else {
      try await gracefulShutdown()
      return
    }
    let pause = interval / 3
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        await probe(notifier, within: pause)
        do { try await Task.sleep(for: pause) } catch { return }
      }
    }
  }

  private func probe(_ notifier: ServiceNotifier, within timeout: Duration) async {
    let socket = socket
    do {
      try await pool.run {
        var client = try DaemonClient.connect(to: socket, name: "watchdog", timeout: timeout)
        defer { client.transport.connection.close() }
        let health = try client.call(HealthRequest())
        try notifier.watchdog()
        try notifier.status("\(health.state): \(health.detail)")
      }
    } catch {
      // Not fed: after the interval the service manager restarts the daemon, which is what it is for.
      logger.error("the daemon's own probe failed", metadata: ["error": "\(error)"])
    }
  }
}
