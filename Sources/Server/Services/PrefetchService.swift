import Logging
import ServiceLifecycle
import ShardCache

/// Brings shards into the cache before sessions need them, soonest first, as long as the daemon runs.
struct PrefetchService: Service {
  let shards: ShardService
  let verifiesAdopted: Bool
  let logger: Logger

  func run() async throws {
    await cancelWhenGracefulShutdown {
      async let check: Void = verifyAdopted()
      await shards.cache.prefetch { shards.downloads }
      await check
    }
  }

  /// Checks the digests of what an earlier daemon left, where the configuration asks for it (cache.verify_on_start).
  private func verifyAdopted() async {
    guard verifiesAdopted else { return }
    let report = await shards.cache.checkAdopted()
    logger.notice(
      "kept shards checked",
      metadata: [
        "checked": "\(report.checked)", "damaged": "\(report.damaged)", "skipped": "\(report.skipped)",
      ])
  }
}
