import DatasetModel
import ShardWriter
import SystemPackage

/// A line on a terminal that says how far a packer is, redrawn in place a few times a second.
struct ProgressMeter {
  private static let interval = Duration.milliseconds(100)
  private static let width = 24

  private let isShown: Bool
  private let start = ContinuousClock.now
  private var last: ContinuousClock.Instant?

  init(isShown: Bool) { self.isShown = isShown }

  /// Seconds since the meter was made.
  var seconds: Double {
    let elapsed = (ContinuousClock.now - start).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
  }

  mutating func show(_ progress: Packer.Progress) {
    let now = ContinuousClock.now
    guard isShown, last.map({ now - $0 >= Self.interval }) ?? true else { return }
    last = now
    let share = progress.totalInputBytes == 0 ? 1 : Double(progress.inputBytes) / Double(progress.totalInputBytes)
    let filled = Int(share * Double(Self.width))
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
    let rate = Int(Double(progress.inputBytes) / max(seconds, 0.001))
    let left = share > 0 ? Self.time(seconds / share - seconds) : "?"
    draw(
      "\r\u{1b}[K\(bar) \(Int(share * 100)) %  \(progress.samples) samples, \(progress.shards) shards, "
        + "\(Self.size(progress.writtenBytes)) written, \(Self.size(rate))/s, \(left) left")
  }

  /// Takes the line away.
  func clear() { if isShown { draw("\r\u{1b}[K") } }

  private func draw(_ text: String) {
    // A terminal that is gone is no reason to stop packing.
    do { _ = try FileDescriptor.standardError.writeAll(text.utf8) } catch {}
  }

  static func size(_ bytes: Int) -> String { ByteCount.describe(bytes) }

  static func time(_ seconds: Double) -> String {
    if seconds < 10 { return "\(Int(seconds * 10) / 10).\(Int(seconds * 10) % 10) s" }
    if seconds < 60 { return "\(Int(seconds)) s" }
    return "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
  }
}
