import DaemonConfiguration
import DatasetModel
import Planning
import ShardCache

/// Tells the cache what sessions will need and how far they are, so that it prefetches the soonest and evicts the last.
final class FutureService: Sendable {
  private let cache: ShardCache
  private let requests: ShardRequests
  private let live: LiveConfiguration
  private let executor = QueueExecutor(label: "futures")

  init(cache: ShardCache, requests: ShardRequests, live: LiveConfiguration) {
    self.cache = cache
    self.requests = requests
    self.live = live
  }

  /// A name for a session that will announce its future.
  func openSession() -> SessionID { cache.openSession() }

  /// A session has begun an epoch. The schedule is worked out beside the serving; until it is there the cache knows
  /// nothing of the epoch and fetches what is asked for.
  func began(_ epoch: SessionEpoch, of session: Session) {
    let dataset = session.dataset
    let rank = session.rank
    let record = session.record
    let bounds = AheadBounds(
      predownload: dataset.specification.predownload, batchSize: max(1, session.setup.options.batchSize),
      bytes: live.value.cache.prefetchLimit)
    Task(executorPreference: executor) { [self] in
      let schedule = ShardSchedule(epoch.plan, dataset.layout, ranks: rank..<rank + 1)
      let wanted = dataset.streams.flatMap { requests.requests(of: $0) }
      let position = record.progress { $0.epoch == epoch.epoch ? $0.batch : 0 }
      guard !record.hasEnded else { return }
      await cache.setFuture(
        of: record.future, ScheduledUses(schedule: schedule), shards: wanted, position: position, bounds: bounds)
      // The session may have ended in between: then its future is over before it began.
      if record.hasEnded { cache.closeSession(record.future) }
    }
  }

  /// A session has reached a batch: it has used everything before it.
  func reached(batch: Int, of session: Session) {
    cache.advance(session.record.future, to: batch)
  }

  /// A session is over.
  func ended(_ session: SessionRecord) {
    session.end()
    cache.closeSession(session.future)
  }
}

/// A plan's schedule as the cache asks it: positions are the rank's batches, shards are numbered over the dataset.
private struct ScheduledUses: NextUses {
  let schedule: ShardSchedule

  func nextUse(ofShard shard: Int, from position: Int) -> Int? { schedule.nextUse(ofShard: shard, from: position) }
}
