import Dispatch
import Synchronization

/// Counts the requests under way, so that a stop can wait for them and take no new ones.
final class DrainGate: Sendable {
  private struct State {
    var underWay = 0
    var isDraining = false
  }

  private let state = Mutex(State())
  private let idle = DispatchGroup()

  /// Whether a request may begin; if so, `leave` must follow.
  func enter() -> Bool {
    state.withLock { state in
      if state.isDraining { return false }
      state.underWay += 1
      idle.enter()
      return true
    }
  }

  /// A request is answered.
  func leave() {
    state.withLock { $0.underWay -= 1 }
    idle.leave()
  }

  /// From here on no request begins.
  func begin() { state.withLock { $0.isDraining = true } }

  /// Blocks until every request is answered or the time has come.
  func waitUntilIdle(until deadline: ContinuousClock.Instant) {
    let left = ContinuousClock.now.duration(to: deadline).seconds
    _ = idle.wait(timeout: .now() + max(0, left))
  }

  /// Requests under way.
  var underWay: Int { state.withLock { $0.underWay } }
}
