import Logging
import ServiceLifecycle
import ShardCache

/// Brings shards into the cache before sessions need them, soonest first, as long as the daemon runs.
struct PrefetchService: Service {
  let shards: ShardService
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown { await shards.cache.prefetch(downloads: shards.downloads) }
  }
}
