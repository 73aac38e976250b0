import DaemonConfiguration
import LinuxSystem
import Logging
import ServiceLifecycle

/// Loads the registered streams' indexes at the start, then says that the daemon is ready; a stream that could not be
/// loaded is tried again from time to time, and does not keep the others from being served.
struct LoadingService: Service {
  /// Seconds between attempts at streams that failed, or that a kept index stands in for.
  static let retrySeconds = 30.0

  let streams: StreamCatalog
  let parts: DaemonParts
  let notifier: ServiceNotifier?
  let notices: StartNotices
  let logger: Logger

  func run() async throws {
    let configuration = parts.datasets.current
    StartNotices.tell(notifier, "loading the indexes of \(configuration.streams.count) streams", logger)
    await streams.preload(configuration.streams)
    let detail = "serving \(configuration.datasets.count) datasets of \(configuration.streams.count) streams"
    parts.health.ready(detail)
    notices.end()
    do {
      try notifier?.ready(status: detail)
    } catch {
      logger.warning("the service manager could not be told", metadata: ["error": "\(error)"])
    }
    logger.notice("ready", metadata: ["detail": "\(detail)"])
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        do { try await Task.sleep(for: .seconds(Self.retrySeconds)) } catch { return }
        await streams.retry(parts.datasets.current.streams)
      }
    }
  }
}
