import DatasetModel
import Logging
import ServiceLifecycle

/// Looks from time to time at how full the cache's disk is: nearly full is degraded, since shards can still be served.
struct DiskWatchService: Service {
  /// Seconds between looks.
  static let interval = 5.0

  let shards: ShardService
  let health: HealthService

  func run() async throws {
    await cancelWhenGracefulShutdown {
      while !Task.isCancelled {
        await shards.checkDisk(health)
        do { try await Task.sleep(for: .seconds(Self.interval)) } catch { return }
      }
    }
  }
}
