import DatasetModel
import LinuxSystem
import Synchronization

extension ShardCache {
  /// The cache at this moment.
  public func snapshot(nextEvictions: Int = 10) -> CacheSnapshot {
    let now = now
    return state.withLock { $0.ledger.snapshot(nextEvictions: nextEvictions, now: now) }
  }

  /// Downloads under way, for status.
  public func downloads() -> [DownloadSnapshot] {
    let now = now
    let running = state.withLock { $0.progress.values.map { $0 } }
    return running.sorted { $0.begun < $1.begun }.map { progress in
      DownloadSnapshot(
        stream: progress.request.stream, shard: progress.request.name, bytes: progress.bytes,
        totalBytes: progress.request.shard.storedBytes, attempt: progress.attempts, seconds: now - progress.begun,
        isPrefetch: progress.isPrefetch)
    }
  }

  /// Evicts a stream's shards, or one of them, that are not in use; pinned ones too, since a person asked for it.
  public func evict(_ stream: StreamName, shard: String? = nil) -> EvictionReport {
    let now = now
    let result = state.withLock { state in
      state.ledger.evict(where: { $0.stream == stream && (shard == nil || $0.name == shard) }, now: now)
    }
    act(result.actions)
    return EvictionReport(shards: result.evicted, bytes: result.bytes, inUse: result.inUse)
  }

  /// Keeps a stream, or one shard of it, from being evicted for others; remembered over restarts.
  public func pin(_ pin: CachePin) async throws(CacheError) {
    try await changePins { $0.insert(pin) }
  }

  /// Takes a pin back.
  public func unpin(_ pin: CachePin) async throws(CacheError) {
    try await changePins { $0.remove(pin) }
  }

  private func changePins(_ change: @Sendable (inout Set<CachePin>) -> Void) async throws(CacheError) {
    let pins = state.withLock { state in
      var pins = state.ledger.pins
      change(&pins)
      return pins
    }
    do {
      try await pool.run { [files] () throws(SystemError) in try files.write(pins: pins) }
    } catch {
      throw CacheError(system: error)
    }
    transition { ledger, now in ledger.setPins(pins, now: now) }
  }

  /// What operators want kept.
  public var pins: Set<CachePin> { state.withLock { $0.ledger.pins } }

  /// Puts other limits in place, as after a reload; what is over them leaves.
  public func setLimits(_ limits: CacheLimits) async {
    transition { ledger, now in ledger.setLimits(limits, now: now) }
    await sampleDisk()
  }

  /// The limits in place.
  public var limits: CacheLimits { state.withLock { $0.ledger.limits } }

  /// Removes everything in quarantine; answers the bytes that are free now.
  public func clearQuarantine() async -> Int {
    let (names, before) = state.withLock { state -> ([String], Int) in
      var actions: [CacheAction] = []
      let before = state.ledger.bytes.quarantined
      _ = state.ledger.clearQuarantine(of: nil, &actions)
      guard case .clearQuarantine(let names)? = actions.first else { return ([], before) }
      return (names, before)
    }
    await removeQuarantined(names)
    return before - state.withLock { $0.ledger.bytes.quarantined }
  }

  func removeQuarantined(_ names: [String]) async {
    var stuck: Set<String> = []
    for name in names {
      do {
        let foreign = try await pool.run { [files] () throws(SystemError) in
          try files.remove(name, from: files.layout.quarantine)
        }
        for path in foreign { options.onEvent(.foreign(path: path)) }
        options.onEvent(.swept(place: "quarantine/\(name)"))
      } catch {
        options.onEvent(.stuck(place: "quarantine/\(name)", reason: "\(error)"))
        stuck.insert(name)
      }
    }
    let failed = stuck
    transition { ledger, now in ledger.quarantineCleared(names, stuck: failed, now: now) }
  }
}
