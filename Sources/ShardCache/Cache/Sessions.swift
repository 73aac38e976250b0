import DatasetModel
import LinuxSystem
import Synchronization

extension ShardCache {
  /// Makes a session known, whose future is announced with `setFuture`. Close it when it ends.
  public func openSession() -> SessionID {
    state.withLock { SessionID(number: $0.ledger.nextNumber()) }
  }

  /// Announces when a session will need its shards, in place of what it announced before (for the next epoch, say).
  ///
  /// - Parameters:
  ///   - uses: when each shard is needed; positions are the session's own, such as batches.
  ///   - shards: the session's shards, by the numbers that `uses` knows them by. Those in a user's directory may be among
  ///     them; nothing is done about these.
  ///   - position: where the session is in `uses`.
  ///   - bounds: how far ahead to prefetch.
  public func setFuture(
    of session: SessionID, _ uses: any NextUses, shards: [ShardRequest], position: Int = 0,
    bounds: AheadBounds = AheadBounds()
  ) async {
    await setFuture(of: session, uses, shards: shards, position: position, bounds: bounds, fixedPace: nil)
  }

  func setFuture(
    of session: SessionID, _ uses: any NextUses, shards: [ShardRequest], position: Int, bounds: AheadBounds,
    fixedPace: Double?
  ) async {
    let pace = Pace(now: now, fixed: fixedPace)
    let future = await pool.run {
      let inPlace = Set(shards.indices.filter { LocalShards.isInPlace(shards[$0]) })
      return SessionFuture(
        uses: uses, shards: shards.count, excluded: inPlace, position: position, bounds: bounds, pace: pace)
    }
    transition { ledger, now in ledger.announce(session, future, shards, now: now) }
  }

  /// The session has used everything before `position`.
  public func advance(_ session: SessionID, to position: Int) {
    transition { ledger, now in ledger.advance(session, to: position, now: now) }
  }

  /// The session is over: nothing is kept or fetched for it any more.
  public func closeSession(_ session: SessionID) {
    transition { ledger, _ in ledger.close(session) }
  }

  /// Whether everything that the session will need fits beside what is there now, so that nothing has to leave for it.
  public func holdsAll(of session: SessionID) -> Bool { state.withLock { $0.ledger.holdsAll(of: session) } }

  /// Bytes that the limit and the disk allow for now; nil when neither is known.
  public var capacity: Int? {
    let bytes = state.withLock { $0.ledger.capacity }
    return bytes == Int.max ? nil : bytes
  }

  /// Grows whenever shards that clients hold open have become unwanted: only then is it worth asking each
  /// (`RetainedShard.isUnwanted`).
  public var recalls: Int { recallCount.load(ordering: .acquiring) }

  /// Refuses batches that the limits can never hold, before a session begins: the shards that each batch needs at once.
  public func checkLimits(_ batches: some Sequence<[ShardRequest]>) throws(CacheError) {
    for batch in batches {
      var seen: Set<ShardKey> = []
      let distinct = batch.filter { seen.insert($0.key).inserted && !$0.isReadInPlace }
      try state.withLock { state throws(CacheError) in try state.ledger.refuseTooLarge(distinct) }
    }
  }

  /// Fetches ahead of the sessions that announced their future, at most `downloads` shards at once, until the task is
  /// cancelled or the cache closes. Call it once.
  public func prefetch(downloads: Int) async { await prefetch { downloads } }

  /// The same with a number that may change, as after a reload.
  public func prefetch(downloads limit: @Sendable () -> Int) async {
    for await _ in wakes {
      var alarm: Double?
      while !Task.isCancelled {
        let now = now
        let downloads = limit()
        precondition(downloads > 0, "prefetching without downloads would wait for ever")
        let (answer, actions) = state.withLock { state in
          state.isClosed ? (.nothing(again: nil), []) : state.ledger.nextPrefetch(downloads: downloads, now: now)
        }
        act(actions)
        guard case .nothing(let again) = answer else { continue }
        alarm = again
        break
      }
      if let alarm { wakeLater(alarm) }
    }
  }

  /// A shard that failed may be tried again after a while.
  private func wakeLater(_ seconds: Double) {
    state.withLock { state in
      state.alarm?.cancel()
      state.alarm = Task { [wake] in
        do { try await Task.sleep(for: .seconds(seconds)) } catch { return }
        wake.yield()
      }
    }
  }
}
