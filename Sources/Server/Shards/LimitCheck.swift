import DatasetModel
import Logging
import Planning
import ShardCache
import Synchronization

/// Refuses an epoch that the cache's limits can never serve, before its first batch, warns of limits that are tight, and
/// says how many batches fit one request.
///
/// What a plan's largest batch takes is worked out only where a batch as large as any could be is much of the limit. It
/// takes one walk over the rank's samples, some hundredth of what planning them took, and is done once for all workers of
/// a rank.
final class LimitCheck: Sendable {
  /// Ranks whose largest batches are remembered.
  private static let kept = 256

  private let cache: ShardCache
  private let requests: ShardRequests
  private let logger: Logger
  private let executor = QueueExecutor(label: "limits")
  private let known = SharedResults<RankPlan, LargestBatches>(limit: LimitCheck.kept)
  private let said = Mutex(TightLimits())

  init(cache: ShardCache, requests: ShardRequests, logger: Logger) {
    self.cache = cache
    self.requests = requests
    self.logger = logger
  }

  /// What the limits mean for an epoch.
  struct Room: Sendable {
    /// What the trainer should be told.
    var warnings: [String] = []
    /// Batches that one request may be for; from here on a request's own cost is nothing any more.
    var together = 16
  }

  /// Of the cache's limit, all ranks of a node together should hold no more than this part for requests under way: a
  /// shard that is held for a batch to come cannot make room for one that is needed before.
  private static let share = 16

  /// Samples of a rank that are walked over only to know how many batches fit: some tenths of a second.
  private static let walked = 1 << 24

  /// Holds an epoch against the limits; blocks the calling thread.
  ///
  /// - Throws: `CacheError` of code `limitTooSmall`, with the least that would do for every batch of this epoch.
  func check(_ epoch: SessionEpoch, key: PlanIdentity, of session: Session) throws -> Room {
    var room = Room()
    let limits = cache.limits
    guard limits.total != nil || !limits.streams.isEmpty else { return room }
    let dataset = session.dataset
    let wanted = dataset.streams.flatMap { requests.requests(of: $0) }
    let bytes = wanted.map { $0.isReadInPlace ? 0 : $0.peakBytes }
    let most = (bytes.max() ?? 0).multipliedReportingOverflow(by: epoch.plan.shape.batchSize)
    let least = ([limits.total] + dataset.streams.map { limits.streams[$0.name] }).compactMap { $0 }.min() ?? Int.max
    let share = least / (Self.share * max(1, session.world.ranksPerNode))
    guard most.overflow || most.partialValue > share / room.together else { return room }
    let mayBeTight = most.overflow || most.partialValue > least / 2
    guard mayBeTight || epoch.samples <= Self.walked else {
      room.together = max(1, share / most.partialValue)
      return room
    }
    let (plan, rank) = (epoch.plan, session.rank)
    let largest = try waitForTask { [known, executor] in
      try await known.value(for: RankPlan(key: key, rank: rank)) {
        await withTaskExecutorPreference(executor) {
          let streamOf = dataset.streams.indices.flatMap { stream in
            [Int](repeating: stream, count: dataset.streams[stream].manifest.shards.count)
          }
          return LargestBatches(plan, rank: rank, layout: dataset.layout, bytes: bytes, streamOf: streamOf)
        }
      }
    }
    room.together = max(1, min(room.together, share / max(1, largest.whole.bytes)))
    guard mayBeTight else { return room }
    let worst = Set([largest.whole.number] + largest.streams.map(\.number))
    try cache.checkLimits(
      worst.sorted().map { batch in
        plan.shards(ofRank: rank, batch: batch, dataset.layout).map { wanted[$0] }
      })
    room.warnings = warnings(largest, limits, session)
    return room
  }

  private func warnings(_ largest: LargestBatches, _ limits: CacheLimits, _ session: Session) -> [String] {
    var found: [String] = []
    let dataset = session.dataset.name.rawValue
    func note(_ option: String, _ limit: Int?, _ batch: LargestBatches.Batch) {
      guard let limit, limit < batch.bytes * 2 else { return }
      let warning =
        "\(option) is \(ByteCount.describe(limit)), and one batch needs up to \(ByteCount.describe(batch.bytes)) at "
        + "once: the next batch's shards cannot be fetched beside it, so training will wait for downloads; from "
        + "\(ByteCount.describe(batch.bytes * 2)) on they can"
      found.append(warning)
      let subject = TightLimits.Subject(dataset: dataset, fingerprint: session.fingerprint, option: option)
      guard said.withLock({ $0.isNews(subject, limit: limit, batchBytes: batch.bytes) }) else { return }
      logger.warning("the cache is tight", metadata: ["dataset": "\(dataset)", "warning": "\(warning)"])
    }
    note("cache.limit", limits.total, largest.whole)
    for (stream, batch) in zip(session.dataset.streams, largest.streams) {
      note("cache_limit of stream \(stream.name)", limits.streams[stream.name], batch)
    }
    return found
  }
}

/// One rank's list in a plan.
struct RankPlan: Hashable, Sendable {
  let key: PlanIdentity
  let rank: Int
}
