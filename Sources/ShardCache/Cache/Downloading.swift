import Codecs
import DatasetModel
import LinuxSystem
import Synchronization

extension ShardCache {
  /// Fetches, verifies and commits one shard, and tells the ledger how it went.
  func download(_ id: DownloadID, _ request: ShardRequest, _ progress: DownloadProgress) async {
    var staged: StagedShard?
    do {
      let made = try await stage(id, request)
      staged = made
      let (place, record) = try await fill(made, progress)
      staged = nil
      let bytes = record.facts.residentBytes
      end(id, progress) { ledger, now in
        ledger.committed(id, place: place, bytes: bytes, verified: record.verified, now: now)
      }
    } catch {
      if let staged { await discard(staged) }
      await fail(id, request, progress, error)
    }
  }

  private func end(
    _ id: DownloadID, _ progress: DownloadProgress, _ body: (inout CacheLedger, Double) -> [CacheAction]
  ) {
    // What may follow, such as waiting for room again, is none of its phases.
    progress.enter(.queue)
    state.withLock { state in
      state.progress[id] = nil
      state.noteArrival(id, progress.timeline)
    }
    transition(body)
  }

  private func stage(_ id: DownloadID, _ request: ShardRequest) async throws -> StagedShard {
    let reserve = limits.freeSpaceReserve
    let (staged, free) = try await pool.run { [files] () throws(SystemError) in
      let staged = try files.stage(request, number: id.number, reserve: reserve)
      return (staged, try files.layout.root.freeSpace().available)
    }
    transition { ledger, _ in
      ledger.backed(id)
      ledger.sampled(diskFree: free)
      return []
    }
    return staged
  }

  /// Fetches until what came is what the index says, at most `request.attempts` times.
  private func fill(
    _ staged: StagedShard, _ progress: DownloadProgress
  ) async throws -> (CopyPlace, ShardRecord) {
    let request = staged.request
    var attempt = 1
    while true {
      let checked = try await fetch(staged, attempt, progress)
      do {
        return try await pool.run { [files] () throws in
          try files.observer.reached(.fetched)
          let record = try staged.verify(files.observer, checked: checked, progress)
          return (try files.commit(staged, record), record)
        }
      } catch let mismatch as FileCheck.Mismatch {
        if case .system(let error) = mismatch { throw error }
        let event = CacheEvent.failed(
          stream: request.stream, shard: request.name, attempt: attempt, reason: "\(mismatch)")
        options.onEvent(event)
        // A user's own compressed file does not change by being read again, and neither do bytes that are the index's.
        let mayDiffer = !staged.isZipForeign && checked.count < staged.parts.count
        guard attempt < request.attempts, mayDiffer else {
          let times = attempt == 1 ? "1 attempt" : "\(attempt) attempts"
          throw CacheError(
            .corrupt, "what came from \(request.location) is not what the index says after \(times): \(mismatch)",
            request: request, attempts: attempt, cause: mismatch)
        }
        attempt += 1
        progress.again(because: "\(mismatch)")
        try await pool.run { () throws(SystemError) in try staged.reset() }
      }
    }
  }

  /// Answers the parts whose stored bytes the provider has checked by the digest that the cache would check.
  private func fetch(
    _ staged: StagedShard, _ attempt: Int, _ progress: DownloadProgress
  ) async throws -> Set<String> {
    guard case .provider(let provider) = staged.request.source else { return [] }
    progress.fetches()
    var checked: Set<String> = []
    for part in staged.parts {
      try Task.checkCancellation()
      let digest = staged.check(ofStored: part).algorithm?.rawValue
      let staging = ShardStaging(
        descriptor: part.stored, attempt: attempt, digest: digest, isPrefetch: progress.isPrefetch,
        progress: { progress.add($0) })
      let found = try await provider.fetch(part.pair.stored, into: staging)
      if let found, found == digest { checked.insert(part.name) }
    }
    return checked
  }

  private func discard(_ staged: StagedShard) async {
    do {
      try await pool.run { [files] () throws(SystemError) in try files.discard(staged.name) }
    } catch {
      options.onEvent(.stuck(place: "staging/\(staged.name)", reason: "\(error)"))
    }
  }

  private func fail(
    _ id: DownloadID, _ request: ShardRequest, _ progress: DownloadProgress, _ error: any Error
  ) async {
    let attempts = progress.attempts
    if CacheError.isNoSpace(error) {
      let root = files.layout.root
      let free = await pool.run { () -> Int in
        do throws(SystemError) { return try root.freeSpace().available } catch { return 0 }
      }
      let reserve = limits.freeSpaceReserve
      let missing = max(1, request.peakBytes + reserve - free)
      options.onEvent(.diskShort(missingBytes: missing, free: free))
      let failure = CacheError(
        .noSpace,
        "the disk of \(path) is full: \(free) bytes free, \(request.peakBytes) wanted and \(reserve) kept "
          + "free: \(error)", request: request, attempts: attempts, cause: error)
      end(id, progress) { ledger, now in ledger.diskWasFull(id, missing: missing, error: failure, now: now) }
      return
    }
    let failure: CacheError
    switch error {
    case let known as CacheError: failure = known
    case let system as SystemError:
      let code: CacheError.Code = system.isNoPlainFile ? .corrupt : .directory
      failure = CacheError(code, "\(system)", request: request, attempts: attempts, cause: system)
    case is CancellationError:
      failure = CacheError(.closed, "the cache is closing", request: request, attempts: attempts)
    default:
      failure = CacheError(
        .unavailable, "could not be fetched from \(request.location): \(error)", request: request, attempts: attempts,
        cause: error)
    }
    // What the cache found wrong itself is told already.
    if !(failure.cause is FileCheck.Mismatch) {
      options.onEvent(
        .failed(stream: request.stream, shard: request.name, attempt: attempts, reason: failure.message))
    }
    end(id, progress) { ledger, now in ledger.failed(id, failure, now: now) }
  }
}
