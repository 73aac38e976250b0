import Logging
import ServiceLifecycle

/// Brings shards into the cache before sessions need them, soonest first, as long as the daemon runs.
struct PrefetchService: Service {
  let shards: ShardService
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown { await shards.prefetch() }
  }
}
