import Synchronization

/// Time as waiting code sees it, so that tests need not wait.
public struct TransferClock: Sendable {
  /// Seconds on a clock that never jumps.
  public var now: @Sendable () -> Double
  /// Waits for some seconds; throws `CancellationError` when the task is cancelled meanwhile.
  public var sleep: @Sendable (_ seconds: Double) async throws -> Void

  public init(now: @escaping @Sendable () -> Double, sleep: @escaping @Sendable (Double) async throws -> Void) {
    self.now = now
    self.sleep = sleep
  }

  /// The machine's own.
  public static let steady = TransferClock(
    now: { Clocks.steady },
    // The one place where time itself is waited for.
    sleep: { try await Task.sleep(for: .seconds($0)) })
}

/// The node's one gate to every remote host: open until a host asks for fewer requests, then as narrow as it wants.
public final class HostThrottle: Sendable {
  private struct State {
    var ledger = ThrottleLedger()
    var nextID = 0
    var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
    var isWaking = false
  }

  private let clock: TransferClock
  private let state = Mutex(State())

  public init(clock: TransferClock = .steady) { self.clock = clock }

  /// Requests that wait here.
  public var waiting: Int { state.withLock { $0.ledger.waiting } }

  /// Waits until `host` may get a request. Every `enter` that returns is followed by one `leave`.
  public func enter(host: String) async throws(CancellationError) {
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    let isAdmitted = await withTaskCancellationHandler {
      await withCheckedContinuation { (waiter: CheckedContinuation<Bool, Never>) in
        let answer = state.withLock { state -> Bool? in
          if state.ledger.enter(id, host: host, now: clock.now()) { return true }
          if Task.isCancelled {
            _ = state.ledger.withdraw(id, host: host)
            return false
          }
          state.waiters[id] = waiter
          return nil
        }
        if let answer { waiter.resume(returning: answer) } else { wakeLater() }
      }
    } onCancel: {
      let waiter = state.withLock { state in
        state.ledger.withdraw(id, host: host) ? state.waiters.removeValue(forKey: id) : nil
      }
      waiter?.resume(returning: false)
    }
    if !isAdmitted { throw CancellationError() }
  }

  /// The request is over; `slowDown` when the host asked for fewer, with the seconds it named.
  public func leave(host: String, succeeded: Bool, slowDown: Bool = false, retryAfter: Double? = nil) {
    state.withLock { state in
      if slowDown { state.ledger.slowDown(host: host, retryAfter: retryAfter, now: clock.now()) }
      state.ledger.leave(host: host, succeeded: succeeded)
    }
    admit()
  }

  private func admit() {
    let waiters = state.withLock { state in
      state.ledger.admit(now: clock.now()).compactMap { state.waiters.removeValue(forKey: $0) }
    }
    for waiter in waiters { waiter.resume(returning: true) }
    wakeLater()
  }

  /// Sees to it that somebody looks again when the next pause ends; one task at a time, none when nobody waits.
  private func wakeLater() {
    let seconds = state.withLock { state -> Double? in
      let now = clock.now()
      guard !state.isWaking, let wake = state.ledger.nextWake(now: now) else { return nil }
      state.isWaking = true
      return max(0.001, wake - now)
    }
    guard let seconds else { return }
    Task { [self] in
      do { try await clock.sleep(seconds) } catch {}  // Looking early is harmless.
      state.withLock { $0.isWaking = false }
      admit()
    }
  }
}
