import SystemPackage

/// One line on a terminal, redrawn in place a few times a second.
struct StatusLine {
  private static let interval = Duration.milliseconds(100)

  private let isShown: Bool
  private var last: ContinuousClock.Instant?

  /// - Parameter isShown: false where nobody reads it.
  init(isShown: Bool) { self.isShown = isShown }

  /// True when enough time has passed for another picture.
  private var isDue: Bool { last.map { ContinuousClock.now - $0 >= Self.interval } ?? true }

  /// Shows `text`, unless the last was shown a moment ago.
  mutating func show(_ text: @autoclosure () -> String) {
    guard isShown, isDue else { return }
    last = .now
    draw("\r\u{1b}[K" + text())
  }

  /// Takes the line away.
  func clear() { if isShown { draw("\r\u{1b}[K") } }

  private func draw(_ text: String) {
    // A terminal that is gone is no reason to stop.
    do { _ = try FileDescriptor.standardError.writeAll(text.utf8) } catch {}
  }
}
