import DatasetModel
import Synchronization

/// One caller's wait for shards: give it to `acquire`, and ask it at any time where the time went.
///
/// A wait belongs to the phases of the shard that came last: while others were still missing, an earlier one kept nobody
/// waiting. So the sums are the whole time waited, neither more nor less.
public final class ShardWait: Sendable {
  struct State: Sendable {
    /// What is over.
    var done = PhaseSeconds()
    /// The claim that is waited for, and since when.
    var claim: (id: ClaimID, since: Double)?
    /// The way of the shard that came last so far.
    var last: PhaseTimeline?
    /// What else goes on: files are opened or checked.
    var work: (phase: ShardPhase, since: Double)?
  }

  let state = Mutex(State())

  public init() {}

  /// The seconds of what is over.
  public var seconds: PhaseSeconds { state.withLock { $0.done } }

  /// A claim is waited for from now on.
  func begins(_ claim: ClaimID, now: Double) {
    state.withLock { state in
      state.claim = (claim, now)
      state.last = nil
    }
  }

  /// One of the claim's shards has arrived, or failed, this way.
  func arrived(_ timeline: PhaseTimeline) { state.withLock { $0.last = timeline } }

  /// The claim was granted or given up.
  func ends(now: Double) {
    state.withLock { state in
      guard let claim = state.claim else { return }
      state.done += (state.last ?? PhaseTimeline()).split(from: claim.since, to: now)
      state.claim = nil
    }
  }

  /// Work of the caller's own begins, or with nil ends.
  func works(_ phase: ShardPhase?, now: Double) {
    state.withLock { state in
      if let work = state.work { state.done.add(now - work.since, to: work.phase) }
      state.work = phase.map { ($0, now) }
    }
  }
}

/// A shard that somebody waits for now.
public struct OutstandingShard: Sendable, Hashable {
  public let stream: StreamName
  public let shard: String
  public let phase: ShardPhase
  /// Bytes that came so far, and bytes there are.
  public let bytes: Int
  public let totalBytes: Int
  /// 0 before the first.
  public let attempt: Int
  /// Why the attempt before this one failed.
  public let cause: String?
}

/// A wait as it is now.
public struct WaitSnapshot: Sendable, Hashable {
  /// Seconds so far: of a wait that is not over, by the phases of the shard that it would be blamed on now.
  public let seconds: PhaseSeconds
  public let outstanding: [OutstandingShard]
  /// Why there is no room, where room is waited for.
  public let room: String?
}

extension ShardCache {
  /// How a wait stands.
  ///
  /// - Parameter limit: how many shards to name.
  public func standing(of wait: ShardWait, limit: Int = 20) -> WaitSnapshot {
    let now = now
    let known = wait.state.withLock { $0 }
    var seconds = known.done
    if let work = known.work { seconds.add(now - work.since, to: work.phase) }
    guard let claim = known.claim else { return WaitSnapshot(seconds: seconds, outstanding: [], room: nil) }
    return state.withLock { state in
      let blamed = state.timeline(blamedFor: claim.id) ?? known.last ?? PhaseTimeline()
      seconds += blamed.split(from: claim.since, to: now)
      let slots = state.ledger.claims[claim.id]?.slots ?? []
      var outstanding: [OutstandingShard] = []
      for slot in slots where outstanding.count < limit {
        if let shard = state.outstanding(slot) { outstanding.append(shard) }
      }
      var room: String?
      if case .waiting? = state.ledger.claims[claim.id]?.phase {
        room = state.ledger.standing(of: claim.id)?.text
        if state.ledger.isShortOfDisk { room = room.map { "\($0); \(fullDisk)" } }
      }
      return WaitSnapshot(seconds: seconds, outstanding: outstanding, room: room)
    }
  }
}

extension CacheState {
  /// The way of the shard that a claim's wait is blamed on: of those on their way the one that was begun last.
  func timeline(blamedFor claim: ClaimID) -> PhaseTimeline? {
    guard let claim = ledger.claims[claim], case .admitted = claim.phase else { return nil }
    return claim.slots.compactMap { download(of: $0) }.max { $0.begun < $1.begun }?.timeline
  }

  /// A shard of a claim that is not there yet; nil when it is.
  fileprivate func outstanding(_ slot: Int) -> OutstandingShard? {
    guard let entry = ledger.entries[slot], let request = entry.request else { return nil }
    if case .committed = entry.state { return nil }
    let progress = download(of: slot)
    return OutstandingShard(
      stream: request.stream, shard: request.name, phase: progress?.timeline.phase ?? .queue,
      bytes: progress?.bytes ?? 0, totalBytes: request.shard.storedBytes, attempt: progress?.attempts ?? 0,
      cause: progress?.cause)
  }

  private func download(of slot: Int) -> DownloadProgress? {
    guard case .reserved(let download)? = ledger.entries[slot]?.state else { return nil }
    return progress[download]
  }

  /// Tells those who wait for a download that it is over.
  func noteArrival(_ id: DownloadID, _ timeline: PhaseTimeline) {
    for claim in ledger.downloads[id]?.claims ?? [] { waiting[claim]?.wait?.arrived(timeline) }
  }
}
