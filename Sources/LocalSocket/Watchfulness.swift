import LinuxSystem
import Synchronization

/// How long a connection's thread looks for the next request before it sleeps. A value with transitions.
///
/// Waking a sleeping thread on another core costs 20 to 50 µs, far more where the core is a virtual machine's that has gone
/// idle; a client that asks for one sample after another pays that for each. So a thread whose client usually comes back at
/// once goes on looking for a little while. A client that takes longer costs nothing beyond the few looks that found that out.
struct Watchfulness: Sendable {
  /// Longest time to look, in seconds: about a wake-up.
  static let longest = 50e-6
  /// Gaps up to this long count as coming back at once as long as nobody looks, since they include both ends' wake-ups.
  static let soon = 130e-6
  /// Weight of the newest gap.
  static let weight = 0.25

  /// Mean seconds from a reply to the next request; long before the first.
  private(set) var usualGap = 4 * Watchfulness.soon

  private var looks = false

  /// A request came this many seconds after the wait for it began.
  mutating func came(after seconds: Double) {
    usualGap += Self.weight * (min(seconds, 4 * Self.soon) - usualGap)
    if looks, usualGap >= Self.longest {
      // Looking finds nothing in time; it is some requests before it is tried again.
      looks = false
      usualGap = 4 * Self.soon
    } else if !looks, usualGap < Self.soon {
      // What was measured included the wake-ups; it begins anew without them.
      looks = true
      usualGap = 0
    }
  }

  /// Seconds to look before sleeping; 0 to sleep at once.
  var patience: Double { looks ? Self.longest : 0 }
}

/// How many threads of the process may look at once: never all cores, since whoever is to send the next request needs one.
final class WatchPlaces: Sendable {
  /// The places of all listeners of this process.
  static let shared = WatchPlaces(count: max(1, ProcessSettings.cores / 2))

  private let free: Atomic<Int>

  init(count: Int) { free = Atomic(count) }

  /// Takes a place; if it answers true, `leave` must follow.
  func enter() -> Bool {
    if free.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue >= 0 { return true }
    leave()
    return false
  }

  func leave() { free.wrappingAdd(1, ordering: .acquiringAndReleasing) }
}
