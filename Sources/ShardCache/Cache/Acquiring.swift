import DatasetModel
import LinuxSystem
import Synchronization

extension ShardCache {
  /// How often a copy that turns out to be unusable is fetched anew before the caller is told.
  private static let reopenLimit = 3

  /// The shards, verified and open for reading, fetched as need be; all of them or none. In the order of `requests`.
  ///
  /// Waits at most until `deadline`, and tells `wait` where the time goes. Ask for everything that one batch needs in one call, and not for more while holding
  /// leases: whoever holds some and waits for others could wait for somebody who does the same.
  ///
  /// - Throws: `limitTooSmall` at once when the limit can never hold them together; `deadline`, `noSpace`,
  ///   `unavailable`, `corrupt` and `configuration` about the shard that is to blame.
  public func acquire(
    _ requests: [ShardRequest], deadline: ContinuousClock.Instant, wait: ShardWait? = nil
  ) async throws(CacheError) -> [ShardLease] {
    wait?.works(.verify, now: now)
    defer { wait?.works(nil, now: now) }
    var leases: [ShardKey: ShardLease] = [:]
    var wanted: [ShardRequest] = []
    var seen: Set<ShardKey> = []
    for request in requests where seen.insert(request.key).inserted {
      try request.check()
      if let files = try await local.files(of: request) {
        leases[request.key] = ShardLease(request, files, cache: nil, copy: nil)
      } else {
        wanted.append(request)
      }
    }
    if !wanted.isEmpty {
      for lease in try await acquireCopies(wanted, deadline, wait) { leases[lease.request.key] = lease }
    }
    return requests.compactMap { leases[$0.key] }
  }

  /// The shards if all of them can be read right now, else nil. Opens files, so it is not for the cooperative pool.
  public func acquireNow(_ requests: [ShardRequest]) throws(CacheError) -> [ShardLease]? {
    var leases: [ShardKey: ShardLease] = [:]
    var wanted: [ShardRequest] = []
    var seen: Set<ShardKey> = []
    for request in requests where seen.insert(request.key).inserted {
      if let files = try local.filesNow(of: request) {
        leases[request.key] = ShardLease(request, files, cache: nil, copy: nil)
      } else {
        wanted.append(request)
      }
    }
    if wanted.isEmpty { return requests.compactMap { leases[$0.key] } }
    let found = state.withLock { state -> [(GrantedCopy, ShardFiles?)]? in
      if state.isClosed { return nil }
      return state.ledger.leaseIfPresent(wanted)?.map { ($0, state.open[$0.copy]?.files) }
    }
    guard let found else { return nil }
    var isUsable = true
    for (request, (copy, files)) in zip(wanted, found) {
      let lease = files.map { ShardLease(request, $0, cache: self, copy: copy.copy) } ?? open(request, copy)
      if let lease, isVerified(request, copy) { leases[request.key] = lease } else { isUsable = false }
    }
    return isUsable ? requests.compactMap { leases[$0.key] } : nil
  }

  private func acquireCopies(
    _ requests: [ShardRequest], _ deadline: ContinuousClock.Instant, _ wait: ShardWait?
  ) async throws(CacheError) -> [ShardLease] {
    for _ in 0..<Self.reopenLimit {
      let granted = try await claim(requests, deadline, wait)
      var leases: [ShardLease] = []
      for (request, copy) in zip(requests, granted) {
        var lease = opened(request, copy)
        if lease == nil { lease = await pool.run { self.open(request, copy) } }
        if let lease, await verify(request, copy, lease) { leases.append(lease) }
      }
      if leases.count == requests.count { return leases }
    }
    throw CacheError(
      .directory,
      "stream \(requests[0].stream): copies in \(path) vanish or change as soon as they are written; is "
        + "something else working in that directory?", stream: requests[0].stream, shard: requests[0].name)
  }

  /// Waits until the ledger grants the claim. Each granted copy carries a lease.
  private func claim(
    _ requests: [ShardRequest], _ deadline: ContinuousClock.Instant, _ wait: ShardWait?
  ) async throws(CacheError) -> [GrantedCopy] {
    let (granted, samples) = state.withLock { state in
      let granted = state.isClosed ? nil : state.ledger.leaseIfPresent(requests)
      return (granted, granted == nil && state.ledger.isDiskBound)
    }
    if let granted { return granted }
    wait?.works(nil, now: now)
    defer { wait?.works(.verify, now: now) }
    if samples { await sampleDisk() }
    let id = state.withLock { ClaimID(number: $0.ledger.nextNumber()) }
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        begin(id, requests, deadline, wait, continuation)
      }
    } onCancel: {
      self.withdraw(id) { _ in CacheError(.closed, "the wait was cancelled", request: requests[0]) }
    }
    wait?.ends(now: now)
    return try result.get()
  }

  private func begin(
    _ id: ClaimID, _ requests: [ShardRequest], _ deadline: ContinuousClock.Instant, _ wait: ShardWait?,
    _ continuation: CheckedContinuation<Result<[GrantedCopy], CacheError>, Never>
  ) {
    let now = now
    wait?.begins(id, now: now)
    let timer = Task {
      do { try await Task.sleep(until: deadline, clock: .continuous) } catch { return }
      self.withdraw(id) { $0 }
    }
    let outcome = state.withLock { state -> Result<[CacheAction], CacheError> in
      if state.isClosed { return .failure(CacheError(.closed, "the cache is closing", request: requests[0])) }
      do throws(CacheError) {
        let actions = try state.ledger.claim(id, requests, now: now)
        state.waiting[id] = CacheState.Waiting(continuation: continuation, timer: timer, wait: wait)
        return .success(actions)
      } catch {
        return .failure(error)
      }
    }
    switch outcome {
    case .success(let actions): act(actions)
    case .failure(let error):
      timer.cancel()
      continuation.resume(returning: .failure(error))
    }
    // A task that was cancelled before the claim was known had nothing to withdraw.
    if Task.isCancelled { withdraw(id) { _ in CacheError(.closed, "the wait was cancelled", request: requests[0]) } }
  }

  /// Ends a wait that is still going on with the error that `describe` makes of what is known.
  private func withdraw(_ id: ClaimID, _ describe: (CacheError) -> CacheError) {
    let now = now
    let ended = state.withLock { state -> (CacheState.Waiting, CacheError, [CacheAction])? in
      guard let waiting = state.waiting.removeValue(forKey: id) else { return nil }
      let error = overdue(id, state, now: now)
      if let blamed = state.timeline(blamedFor: id) { waiting.wait?.arrived(blamed) }
      return (waiting, error, state.ledger.withdraw(id, now: now))
    }
    guard let (waiting, error, actions) = ended else { return }
    waiting.timer?.cancel()
    waiting.continuation.resume(returning: .failure(describe(error)))
    act(actions)
  }

  /// What is known of a claim whose deadline has passed.
  private func overdue(_ id: ClaimID, _ state: CacheState, now: Double) -> CacheError {
    guard let standing = state.ledger.standing(of: id), let claim = state.ledger.claims[id],
      let request = state.ledger[standing.slot].request
    else { return CacheError(.deadline, "the wait for a shard was longer than its deadline") }
    var text = "not there after \(tenths(now - claim.since)) s: \(standing.text)"
    var attempts = 0
    if case .reserved(let download) = state.ledger[standing.slot].state, let progress = state.progress[download] {
      attempts = progress.attempts
      text += ", attempt \(attempts), \(progress.bytes) of \(request.shard.storedBytes) bytes"
      if let cause = progress.cause { text += "; before that: \(cause)" }
    }
    let isDisk = state.ledger.isShortOfDisk && state.ledger.isAbsent(standing.slot)
    if isDisk { text += "; \(fullDisk)" }
    return CacheError(isDisk ? .noSpace : .deadline, text, request: request, attempts: attempts)
  }

  /// What to do about it is said too: whoever waits goes on by itself.
  var fullDisk: String { "the disk of \(path) is full, and what is waited for comes once there is room on it" }

  private func tenths(_ seconds: Double) -> Double { (seconds * 10).rounded() / 10 }
}
