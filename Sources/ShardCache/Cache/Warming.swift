import DatasetModel
import Synchronization

/// How far warming is.
public struct WarmProgress: Sendable, Hashable {
  public internal(set) var shards: Int
  /// There or fetched; and those of them that were there already.
  public internal(set) var done = 0
  public internal(set) var present = 0
  /// Bytes on disk of those that are done, and of all.
  public internal(set) var bytes = 0
  public internal(set) var totalBytes: Int
  /// Not fetched, because they would have pushed out what sessions need or what was just fetched.
  public internal(set) var unfit = 0
  public internal(set) var failed = 0
  /// Why the first of them failed.
  public internal(set) var failures: [String] = []

  /// How many failures are told in words.
  static let failuresTold = 20
}

extension ShardCache {
  /// Seconds ahead at which warmed shards count as needed: later than anything that a session announces.
  private static let warmPace = 1e9

  /// Brings shards into the cache before a job needs them. Evicts only what no session will need, and none of its own.
  ///
  /// - Parameters:
  ///   - downloads: at most so many at once.
  ///   - deadline: for each shard.
  ///   - progress: told after each shard; called from any thread.
  public func warm(
    _ requests: [ShardRequest], downloads: Int, deadline: Duration = .seconds(3600),
    progress: @escaping @Sendable (WarmProgress) -> Void = { _ in }
  ) async -> WarmProgress {
    precondition(downloads > 0, "warming without downloads would do nothing")
    let session = openSession()
    defer { closeSession(session) }
    await setFuture(
      of: session, AllAtOnce(), shards: requests, position: 0, bounds: AheadBounds(positions: 0),
      fixedPace: Self.warmPace)
    let total = requests.reduce(0) { $0 + $1.residentBytes }
    let state = Mutex(WarmProgress(shards: requests.count, totalBytes: total))
    let note: @Sendable ((inout WarmProgress) -> Void) -> Void = { change in
      progress(
        state.withLock { state in
          change(&state)
          return state
        })
    }
    let promised = PromisedRoom()
    await withTaskGroup(of: Void.self) { group in
      for (number, request) in requests.enumerated() {
        if number >= downloads { await group.next() }
        if Task.isCancelled { break }
        group.addTask { await self.warm(request, .now + deadline, promised, note) }
      }
    }
    return state.withLock { $0 }
  }

  private func warm(
    _ request: ShardRequest, _ deadline: ContinuousClock.Instant, _ promised: PromisedRoom,
    _ note: @Sendable ((inout WarmProgress) -> Void) -> Void
  ) async {
    // Several are warmed at once: room that one was promised and has not taken yet is not there for the others.
    let (isPresent, fits) = promised.requests.withLock { promised in
      let answer = state.withLock { state in state.ledger.canWarm(request, besides: promised.values) }
      if answer.fits { promised[request.key] = request }
      return answer
    }
    guard fits else { return note { $0.unfit += 1 } }
    defer { promised.requests.withLock { $0[request.key] = nil } }
    do {
      for lease in try await acquire([request], deadline: deadline) { lease.release() }
      note { progress in
        progress.done += 1
        progress.bytes += request.residentBytes
        if isPresent { progress.present += 1 }
      }
    } catch {
      note { progress in
        progress.failed += 1
        if progress.failures.count < WarmProgress.failuresTold { progress.failures.append(error.message) }
      }
    }
  }
}

/// The shards that may be fetched and are not there yet.
private final class PromisedRoom: Sendable {
  let requests = Mutex<[ShardKey: ShardRequest]>([:])
}

/// Every shard is needed at position 1.
private struct AllAtOnce: NextUses {
  func nextUse(ofShard shard: Int, from position: Int) -> Int? { position <= 1 ? 1 : nil }
}

extension CacheLedger {
  /// Whether a shard is there, or on its way; and whether it can be had without evicting what anybody will need.
  ///
  /// - Parameter promised: others that were told they fit; those that have not taken their room yet come first.
  func canWarm(
    _ request: ShardRequest, besides promised: some Collection<ShardRequest>
  ) -> (isPresent: Bool, fits: Bool) {
    if let slot = index[request.key], let entry = entries[slot] {
      switch entry.state {
      case .committed: return (true, true)
      case .reserved: return (false, true)
      case .absent, .unlinking: break
      }
    }
    let pending = promised.filter { other in index[other.key].map { isAbsent($0) } ?? true }
    let wanted = pending.reduce(request.peakBytes) { $0 + $1.peakBytes }
    let wantedOfStream = pending.reduce(request.peakBytes) { $0 + ($1.stream == request.stream ? $1.peakBytes : 0) }
    if wanted <= room, wantedOfStream <= room(of: request.stream) { return (false, true) }
    let clock = needClock(now: 0)
    var idle = 0
    var streamIdle = 0
    for copy in copies.values where copy.phase == .committed && copy.isIdle {
      guard entries[copy.slot]?.isPinned == false, let interest = entries[copy.slot]?.interest,
        clock.secondsUntilUse(interest) == .infinity
      else { continue }
      idle += copy.bytes
      if copy.stream == request.stream { streamIdle += copy.bytes }
    }
    let free = max(room, 0) + leaving(nil) + idle
    let streamFree = limits.streams[request.stream] == nil ? Int.max : room(of: request.stream) + streamIdle
    return (false, wanted <= free && wantedOfStream <= streamFree)
  }
}
