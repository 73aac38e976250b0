import Dispatch
import Synchronization

/// The latest of some values for a thread that blocks for them: what it was too slow for is passed over.
final class LatestNews<Value: Sendable>: Sendable {
  private struct State {
    var latest: Value?
    var isOver = false
  }

  private let state = Mutex(State())
  private let arrived = DispatchSemaphore(value: 0)

  /// Puts a value in place of the one not taken yet; callable from any thread.
  func put(_ value: Value) {
    let isFirst = state.withLock { state in
      defer { state.latest = value }
      return state.latest == nil
    }
    if isFirst { arrived.signal() }
  }

  /// Says that the value put last was the last one.
  func finish() {
    state.withLock { $0.isOver = true }
    arrived.signal()
  }

  /// Blocks this thread, which must not be one of the cooperative pool's, for the next value; nil after the last.
  func next() -> Value? {
    while true {
      arrived.wait()
      let (value, isOver) = state.withLock { state in
        defer { state.latest = nil }
        return (state.latest, state.isOver)
      }
      if let value {
        // `finish` is still to be answered, if its signal was the one taken.
        if isOver { arrived.signal() }
        return value
      }
      if isOver { return nil }
    }
  }
}
