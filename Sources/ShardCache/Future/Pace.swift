/// How fast a session moves, so that the needs of sessions at different speeds can be compared.
struct Pace: Sendable {
  /// Assumed before the first measurement.
  static let assumed = 1.0
  /// Weight of the newest measurement.
  static let weight = 0.2
  /// After this many of its usual intervals without a move, a session counts as slowing down.
  static let patience = 4.0

  /// Seconds for one position, newer measurements weighing more.
  private(set) var measured: Double?
  private var lastMove: Double
  private let fixed: Double?

  init(now: Double, fixed: Double? = nil) {
    lastMove = now
    self.fixed = fixed
  }

  mutating func moved(by positions: Int, now: Double) {
    guard positions > 0 else { return }
    let sample = max(0, now - lastMove) / Double(positions)
    measured = measured.map { $0 + Pace.weight * (sample - $0) } ?? sample
    lastMove = now
  }

  /// Seconds that one position is expected to take now; never 0.
  func seconds(now: Double) -> Double {
    if let fixed { return fixed }
    let usual = measured ?? Pace.assumed
    return max(usual, (now - lastMove) / Pace.patience, 1e-6)
  }
}
