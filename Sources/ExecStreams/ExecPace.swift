/// Judges from bytes and times whether a run is still worth waiting for.
struct ExecPace: Sendable {
  /// What is wrong with its pace.
  enum Fault: Sendable, Hashable {
    /// No byte came for so many seconds.
    case silent(seconds: Double)
    /// So many bytes a second on the mean, and so many were the least.
    case slow(bytesPerSecond: Double, least: Double)
    /// It took longer than so many seconds.
    case late(seconds: Double)
  }

  /// Seconds without a byte; infinite for none.
  let idleSeconds: Double
  /// Least mean bytes per second, judged after `idleSeconds`; 0 for none.
  let minimumBytesPerSecond: Double
  /// Seconds in all.
  let deadlineSeconds: Double
  private(set) var bytes = 0
  private(set) var lastByteAt = 0.0

  init(idleSeconds: Double, minimumBytesPerSecond: Double, deadlineSeconds: Double) {
    self.idleSeconds = idleSeconds
    self.minimumBytesPerSecond = minimumBytesPerSecond
    self.deadlineSeconds = deadlineSeconds
  }

  /// More bytes came.
  mutating func add(_ count: Int, at seconds: Double) {
    guard count > 0 else { return }
    bytes += count
    lastByteAt = seconds
  }

  /// What is wrong now; nil for nothing.
  func fault(at seconds: Double) -> Fault? {
    if seconds >= deadlineSeconds { return .late(seconds: deadlineSeconds) }
    if seconds - lastByteAt >= idleSeconds { return .silent(seconds: idleSeconds) }
    // A run without a byte so far is silent, which has a message of its own.
    if bytes > 0, seconds >= idleSeconds, Double(bytes) < minimumBytesPerSecond * seconds {
      return .slow(bytesPerSecond: Double(bytes) / seconds, least: minimumBytesPerSecond)
    }
    return nil
  }

  /// Seconds after which something may be wrong, if no byte comes.
  func patience(at seconds: Double) -> Double {
    var next = min(deadlineSeconds, lastByteAt + idleSeconds)
    if minimumBytesPerSecond > 0, bytes > 0 {
      next = min(next, max(idleSeconds, Double(bytes) / minimumBytesPerSecond))
    }
    return max(0.001, next - seconds)
  }
}
