import DatasetModel
import ShardWriter

/// How far a packer is, as a line with a bar.
struct PackProgress {
  private static let width = 24

  private let start = ContinuousClock.now

  /// Seconds since packing began.
  var seconds: Double {
    let elapsed = (ContinuousClock.now - start).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
  }

  func line(_ progress: Packer.Progress) -> String {
    let share = progress.totalInputBytes == 0 ? 1 : Double(progress.inputBytes) / Double(progress.totalInputBytes)
    let filled = min(Self.width, Int(share * Double(Self.width)))
    let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: Self.width - filled)
    let rate = Int(Double(progress.inputBytes) / max(seconds, 0.001))
    let left = share > 0 ? Self.time(seconds / share - seconds) : "?"
    return "\(bar) \(Int(share * 100)) %  \(progress.samples) samples, \(progress.shards) shards, "
      + "\(ByteCount.describe(progress.writtenBytes)) written, \(ByteCount.describe(rate))/s, \(left) left"
  }

  static func time(_ seconds: Double) -> String {
    if seconds < 10 { return "\(Int(seconds * 10) / 10).\(Int(seconds * 10) % 10) s" }
    if seconds < 60 { return "\(Int(seconds)) s" }
    return "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
  }
}
