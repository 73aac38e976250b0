import DatasetModel
import LinuxSystem
import Synchronization

extension ShardCache {
  /// Does what the ledger asked for. Never called under the lock.
  func act(_ actions: [CacheAction]) {
    for action in actions {
      switch action {
      case .download(let id, let request, let isPrefetch):
        let progress = DownloadProgress(request, isPrefetch: isPrefetch) { [self] in now }
        state.withLock { $0.progress[id] = progress }
        startWork(id.number) { cache in await cache.download(id, request, progress) }
      case .unlink(let copy, let place):
        state.withLock { $0.open[copy] = nil }
        startWork(copy.number) { cache in await cache.unlink(copy, place) }
      case .clearQuarantine(let names):
        startWork(state.withLock { $0.ledger.nextNumber() }) { cache in await cache.removeQuarantined(names) }
      case .grant(let claim, let copies): finish(claim, .success(copies))
      case .fail(let claim, let error): finish(claim, .failure(error))
      case .wakePrefetch: wake.yield()
      case .report(let event): options.onEvent(event)
      }
    }
    watchDisk()
  }

  func startWork(_ number: Int, _ body: @escaping @Sendable (ShardCache) async -> Void) {
    state.withLock { state in
      state.work[number] = Task {
        await body(self)
        self.state.withLock { $0.work[number] = nil }
      }
      if state.isClosed { state.work[number]?.cancel() }
    }
  }

  /// Tells the one who waits for a claim.
  func finish(_ claim: ClaimID, _ result: Result<[GrantedCopy], CacheError>) {
    let waiting = state.withLock { $0.waiting.removeValue(forKey: claim) }
    waiting?.timer?.cancel()
    if let waiting {
      waiting.continuation.resume(returning: result)
    } else if case .success(let copies) = result {
      // Whoever waited is gone: nobody will give these leases back but us.
      for copy in copies { giveBack(copy.copy) }
    }
  }

  func giveBack(_ copy: CopyID) {
    transition { ledger, now in ledger.release(copy, now: now) }
  }

  private func unlink(_ copy: CopyID, _ place: CopyPlace) async {
    do {
      try await pool.run { [files] () throws(SystemError) in try files.unlink(place) }
      transition { ledger, now in ledger.unlinked(copy, now: now) }
    } catch {
      transition { ledger, now in ledger.unlinkFailed(copy, reason: "\(error)", now: now) }
    }
  }

  /// While somebody waits because the disk is full, looks every few seconds whether others have freed space: the kernel
  /// tells nobody.
  private func watchDisk() {
    state.withLock { state in
      guard state.ledger.isShortOfDisk, state.recheck == nil, !state.isClosed else { return }
      state.recheck = Task { await self.recheckDisk() }
    }
  }

  private func recheckDisk() async {
    var pause = 0.25
    while !Task.isCancelled {
      do { try await Task.sleep(for: .seconds(pause)) } catch { break }
      pause = min(pause * 2, 5)
      await sampleDisk()
      let isDone = state.withLock { state in
        if !state.ledger.isShortOfDisk { state.recheck = nil }
        return state.recheck == nil
      }
      if isDone { return }
    }
    state.withLock { $0.recheck = nil }
  }

  /// Looks at how much room the disk has, and lets the ledger use it.
  func sampleDisk() async {
    let root = files.layout.root
    let free: Int
    do {
      free = try await pool.run { () throws(SystemError) in try root.freeSpace().available }
    } catch {
      options.onEvent(.stuck(place: path, reason: "\(error)"))
      return
    }
    transition { ledger, now in
      var actions: [CacheAction] = []
      ledger.sampled(diskFree: free)
      ledger.settle(now: now, &actions)
      return actions
    }
  }
}
