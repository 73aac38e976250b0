import DatasetModel
import Logging
import Planning
import ShardCache
import Synchronization

/// Tells the cache what sessions will need and how far they are, so that it prefetches the soonest and evicts the last.
///
/// A session's positions are its rank's batches, counted on from epoch to epoch. What is announced is the present epoch
/// and, as soon as its plan is there, the next: then a shard that only the next epoch needs is known to be needed, and
/// prefetching runs on over the epoch's end. At most two plans and two schedules a session are kept for this.
///
/// The next epoch is planned as soon as the present one has begun when the cache cannot hold everything: what leaves
/// first is then decided by when the next epoch needs it. Where everything fits nothing leaves, and it is time enough at
/// half of the epoch (`looksAhead`).
final class FutureService: Sendable {
  /// Samples of a rank's epoch whose needs are worked out in some milliseconds.
  private static let awaitedSamples = 1 << 18

  private let cache: ShardCache
  private let requests: ShardRequests
  private let logger: Logger
  private let executor = QueueExecutor(label: "futures")
  private let outlooks = Mutex<[SessionID: Outlook]>([:])
  /// Worked out once for the workers of a rank that begin together; afterwards the sessions keep theirs.
  private let schedules = SharedResults<RankPlan, ShardSchedule>(limit: 0)

  init(cache: ShardCache, requests: ShardRequests, logger: Logger) {
    self.cache = cache
    self.requests = requests
    self.logger = logger
  }

  /// A name for a session that will announce its future.
  func openSession() -> SessionID { cache.openSession() }

  /// A session has begun an epoch. What it needs is worked out beside the serving when it takes long; until it is there
  /// the cache knows nothing of the epoch, unless it was looked ahead to, and fetches what is asked for. Where it takes
  /// no time worth speaking of, the calling thread waits for it.
  func began(_ epoch: SessionEpoch, key: PlanIdentity, of session: Session, plans: EpochService) {
    let part = Outlook.Part(epoch: epoch.epoch, key: key, batches: epoch.batches)
    let isNew = outlooks.withLock { $0[session.record.future, default: Outlook()].begin(part) }
    if isNew {
      let announced = work(for: session.record) { [self] in
        if await learn(epoch.plan, of: part, session) { await announce(session) }
      }
      if let announced, epoch.samples <= Self.awaitedSamples { waitFor(announced) }
    }
    work(for: session.record) { [self] in
      if !cache.holdsAll(of: session.record.future) { await extend(beyond: epoch.epoch, of: session, plans) }
    }
  }

  /// Half of an epoch is served: the next one is prepared, if it is not yet. Cheap, so that it can be called often.
  func looksAhead(beyond epoch: Int, of session: Session, plans: EpochService) {
    let wants = outlooks.withLock { $0[session.record.future]?.asksToExtend(beyond: epoch) ?? false }
    if wants { work(for: session.record) { [self] in await extend(beyond: epoch, of: session, plans) } }
  }

  /// A session has reached a batch of the epoch it is in: it has used everything before it.
  func reached(batch: Int, of session: Session) {
    let first = outlooks.withLock { $0[session.record.future]?.first ?? 0 }
    cache.advance(session.record.future, to: first + batch)
  }

  /// A session is over.
  func ended(_ session: SessionRecord) {
    session.end()
    let outlook = outlooks.withLock { $0.removeValue(forKey: session.future) }
    outlook?.work?.cancel()
    cache.closeSession(session.future)
  }

  /// Does one thing after another for a session.
  @discardableResult
  private func work(
    for session: SessionRecord, _ body: @escaping @Sendable () async -> Void
  ) -> Task<Void, Never>? {
    outlooks.withLock { outlooks in
      guard let before = outlooks[session.future] else { return nil }
      let task = Task(executorPreference: executor) {
        await before.work?.value
        if !Task.isCancelled { await body() }
      }
      outlooks[session.future]?.work = task
      return task
    }
  }

  private func waitFor(_ task: Task<Void, Never>) {
    do {
      try waitForTask { await task.value }
    } catch {
      logger.debug("needs are announced later", metadata: ["error": "\(error)"])
    }
  }

  /// Works out when an epoch needs its shards; false when it is no longer wanted.
  private func learn(_ plan: EpochPlan, of part: Outlook.Part, _ session: Session) async -> Bool {
    let rank = session.rank
    let layout = session.dataset.layout
    let schedule: ShardSchedule
    do {
      schedule = try await schedules.value(for: RankPlan(key: part.key, rank: rank)) { [executor] in
        await withTaskExecutorPreference(executor) { ShardSchedule(plan, layout, ranks: rank..<rank + 1) }
      }
    } catch {
      return false
    }
    return outlooks.withLock { $0[session.record.future]?.learn(schedule, of: part.key) ?? false }
  }

  /// Plans the epoch after the present one, and announces it too.
  private func extend(beyond epoch: Int, of session: Session, _ plans: EpochService) async {
    guard outlooks.withLock({ $0[session.record.future]?.mayExtend(beyond: epoch) ?? false }) else { return }
    let rank = session.rank
    do {
      let wanted = try session.wantedPlan(epoch: epoch + 1)
      let plan = try await plans.plan(wanted)
      let next = SessionEpoch(epoch: epoch + 1, plan: plan, rank: rank)
      let part = Outlook.Part(epoch: epoch + 1, key: wanted.key, batches: next.batches)
      guard outlooks.withLock({ $0[session.record.future]?.extend(with: part) ?? false }) else { return }
      if await learn(plan, of: part, session) { await announce(session) }
    } catch {
      logger.debug("next epoch cannot be planned yet", metadata: ["epoch": "\(epoch + 1)", "error": "\(error)"])
    }
  }

  private func announce(_ session: Session) async {
    let dataset = session.dataset
    let record = session.record
    let wanted = dataset.streams.flatMap { requests.requests(of: $0) }
    let bounds = AheadBounds(
      predownload: dataset.specification.predownload, batchSize: max(1, session.setup.options.batchSize))
    guard let outlook = outlooks.withLock({ $0[record.future] }), let uses = outlook.uses else { return }
    let batch = record.progress { $0.epoch == outlook.epoch ? $0.batch : 0 }
    await cache.setFuture(
      of: record.future, uses, shards: wanted, position: outlook.first + batch, bounds: bounds)
    logger.debug(
      "needs announced",
      metadata: ["session": "\(record.number)", "epochs": "\(outlook.knownEpochs)", "shards": "\(wanted.count)"])
    // The session may have ended in between: then its future is over before it began.
    if record.hasEnded { cache.closeSession(record.future) }
  }
}
