import Synchronization
import Transfer

/// A clock that runs only while somebody sleeps on it: waits are over at once, and remembered.
final class TestClock: Sendable {
  private let state = Mutex<(now: Double, sleeps: [Double])>((0, []))

  var sleeps: [Double] { state.withLock { $0.sleeps } }

  /// Sleeps from an hour on are deadlines, which do not come true here.
  var clock: TransferClock {
    TransferClock(
      now: { self.state.withLock { $0.now } },
      sleep: { seconds in
        // A deadline's wait ends by cancellation only.
        if seconds >= 3600 { return try await Task.sleep(for: .seconds(seconds)) }
        self.state.withLock { state in
          state.now += seconds
          state.sleeps.append(seconds)
        }
        try Task.checkCancellation()
      })
  }
}
