import Synchronization
import WireProtocol

/// How the daemon is doing, as probes are told. A value with transitions inside a lock.
final class HealthService: Sendable {
  private struct State {
    var phase = HealthReply.State.starting
    /// Troubles by their name; a trouble that has passed is taken out.
    var troubles: [String: String] = [:]
    var detail = "loading streams"
  }

  private let state = Mutex(State())

  /// What a probe is answered now.
  var reply: HealthReply {
    state.withLock { state in
      guard state.phase == .ready, !state.troubles.isEmpty else {
        return HealthReply(state: state.phase, detail: state.detail)
      }
      let troubles = state.troubles.sorted { $0.key < $1.key }.map(\.value).joined(separator: "; ")
      return HealthReply(state: .degraded, detail: troubles)
    }
  }

  /// The daemon serves from here on.
  func ready(_ detail: String) {
    state.withLock { state in
      guard state.phase == .starting else { return }
      state.phase = .ready
      state.detail = detail
    }
  }

  /// The daemon stops: requests under way are finished.
  func draining() {
    state.withLock { state in
      state.phase = .draining
      state.detail = "finishing the requests under way"
    }
  }

  /// Notes that something is wrong which does not stop the daemon from serving, or with nil that it has passed.
  func trouble(_ name: String, _ what: String?) {
    state.withLock { $0.troubles[name] = what }
  }

  /// Whether there is a trouble of that name.
  func hasTrouble(_ name: String) -> Bool { state.withLock { $0.troubles[name] != nil } }

  /// Whether no new work is taken.
  var isDraining: Bool { state.withLock { $0.phase == .draining } }
}
