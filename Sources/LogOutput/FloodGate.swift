/// Lets a bounded number of like records through per interval and counts the rest. A value without clock or I/O.
///
/// Records are alike when their level and message are: messages are constants, what varies is in the fields.
public struct FloodGate: Sendable {
  private struct Window {
    var began: Double
    var passed: Int
    var held: Int
  }

  /// Like records let through per interval.
  public let burst: Int
  /// Seconds.
  public let interval: Double
  /// Distinct messages remembered; beyond it the oldest windows are forgotten.
  public static let maximumMessages = 1_000
  private var windows: [String: Window] = [:]
  /// No interval ends before this.
  private var nextEnd = Double.infinity

  public init(burst: Int = 20, interval: Double = 10) {
    self.burst = burst
    self.interval = interval
  }

  /// Whether a record with this key may pass at time `now` (seconds), and how many like it were held back before it.
  public mutating func admit(_ key: String, now: Double) -> (passes: Bool, heldBefore: Int) {
    if var window = windows[key], now - window.began < interval {
      let passes = window.passed < burst
      if passes { window.passed += 1 } else { window.held += 1 }
      windows[key] = window
      return (passes, 0)
    }
    let held = windows[key]?.held ?? 0
    nextEnd = min(nextEnd, now + interval)
    if windows.count >= Self.maximumMessages, windows[key] == nil { windows.removeAll() }
    windows[key] = Window(began: now, passed: 1, held: 0)
    return (true, held)
  }

  /// What was held back in intervals that are over, by key, to be told even where no like record comes any more; those
  /// intervals are forgotten.
  ///
  /// - Parameter now: seconds; infinite to end every interval.
  public mutating func overdue(now: Double) -> [(key: String, held: Int)] {
    guard now >= nextEnd else { return [] }
    let over = windows.filter { now - $0.value.began >= interval }
    for key in over.keys { windows[key] = nil }
    nextEnd = windows.values.map { $0.began + interval }.min() ?? .infinity
    return over.filter { $0.value.held > 0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value.held) }
  }
}
