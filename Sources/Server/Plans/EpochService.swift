import Logging
import Planning

/// Which plan is wanted, and what it takes to make it.
struct WantedPlan: Sendable {
  let key: PlanIdentity
  let setup: EpochSetup
  let part: PlanPart
}

/// Epoch plans: each made once a node, however many ranks ask, and kept on disk for the next start.
final class EpochService: Sendable {
  /// Plans kept in memory; a node's jobs rarely have more than an epoch and the next one under way each.
  static let keptInMemory = 8

  private let plans = SharedResults<PlanIdentity, EpochPlan>(limit: EpochService.keptInMemory)
  private let executor = QueueExecutor(label: "planning")
  private let store: PlanStore
  private let threads: Int
  private let metrics: DaemonMetrics
  private let logger: Logger

  init(store: PlanStore, threads: Int, metrics: DaemonMetrics, logger: Logger) {
    self.store = store
    self.threads = threads
    self.metrics = metrics
    self.logger = logger
  }

  /// A plan: from memory, from the one who is making it now, from disk, or made now.
  func plan(_ wanted: WantedPlan) async throws -> EpochPlan {
    let key = wanted.key
    return try await plans.value(for: key) { [self] in
      try await withTaskExecutorPreference(executor) {
        let began = ContinuousClock.now
        if let kept = store.load(key) {
          metrics.planned(.disk, seconds: began.duration(to: .now).seconds)
          return kept
        }
        let plan = try await makePlan(wanted.setup, keeping: wanted.part, threads: threads)
        let elapsed = began.duration(to: .now)
        metrics.planned(.made, seconds: elapsed.seconds)
        logger.info(
          "epoch planned",
          metadata: [
            "fingerprint": "\(key.fingerprint.description.prefix(12))", "epoch": "\(key.epoch)",
            "samples": "\(plan.summary.epochSize)",
            "seconds": "\(elapsed.seconds)", "bytes": "\(plan.bytes)",
          ])
        store.keep(plan, for: key)
        return plan
      }
    }
  }
}

extension Duration {
  /// Seconds as a number.
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
