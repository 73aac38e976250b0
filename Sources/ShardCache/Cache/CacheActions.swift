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
      case .recall: recallCount.wrappingAdd(1, ordering: .releasing)
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

  /// While somebody waits because the disk is full, looks every few seconds whether others have freed space.
  ///
  /// What the cache unlinks itself makes room at once, without a look: the ledger knows its bytes. Space that other
  /// processes free is the one thing that has to be looked for: Linux has no event for it. inotify and fanotify report
  /// names that go, not blocks that become free (a deleted file may stay open, a file may be cut, a snapshot dropped),
  /// fanotify's marks on whole file systems need privileges that the daemon does not have, and quota messages tell of
  /// limits reached, not of room. Bounded: one `fstatvfs` after 0.25 s, then at doubled pauses up to 5 s, only while a
  /// request waits for the disk, and a request waits no longer than its deadline.
  private func watchDisk() {
    state.withLock { state in
      guard state.ledger.isShortOfDisk, state.recheck == nil, !state.isClosed else { return }
      state.recheck = Task { await self.recheckDisk() }
    }
  }

  private func recheckDisk() async {
    var pause = options.firstDiskLook
    while !Task.isCancelled {
      do { try await Task.sleep(for: pause) } catch { break }
      pause = min(pause * 2, max(options.firstDiskLook, .seconds(5)))
      await sampleDisk()
      let isDone = state.withLock { state in
        if !state.ledger.isShortOfDisk { state.recheck = nil }
        return state.recheck == nil
      }
      if isDone { return }
    }
    state.withLock { $0.recheck = nil }
  }

  /// How often the disk is looked at anew because the cache freed bytes during the look.
  private static let lookLimit = 4

  /// Looks at how much room the disk has, and lets the ledger use it.
  func sampleDisk() async {
    let root = files.layout.root
    for look in 1...Self.lookLimit {
      let freed = state.withLock { $0.ledger.freedTimes }
      let free: Int
      do {
        free = try await pool.run { () throws(SystemError) in try root.freeSpace().available }
      } catch {
        options.onEvent(.stuck(place: path, reason: "\(error)"))
        return
      }
      // What was unlinked during the look is perhaps not seen as free, but no longer counted either.
      if look < Self.lookLimit, state.withLock({ $0.ledger.freedTimes }) != freed { continue }
      transition { ledger, now in
        var actions: [CacheAction] = []
        ledger.sampled(diskFree: free)
        ledger.settle(now: now, &actions)
        return actions
      }
      return
    }
  }
}
