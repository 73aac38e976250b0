/// Judges an attempt's pace: URLSession's own time-outs are whole seconds and do not end a trickle. Pure; times are
/// seconds on any steady clock.
struct PaceWatch: Sendable {
  let limits: TransferLimits
  let started: Double
  private(set) var lastByte: Double
  private(set) var bytes = 0

  init(limits: TransferLimits, now: Double) {
    self.limits = limits
    started = now
    lastByte = now
  }

  mutating func received(_ count: Int, now: Double) {
    bytes += count
    lastByte = now
  }

  /// Why the attempt must end now, or nil.
  func verdict(now: Double, name: String) -> TransferFailure? {
    let elapsed = now - started
    if elapsed >= limits.deadlineSeconds {
      return TransferFailure(
        .transient, .deadline, "\(name) was not done after \(limits.deadlineSeconds) s (\(bytes) bytes arrived)")
    }
    if now - lastByte >= limits.idleSeconds {
      return TransferFailure(
        .transient, .stalled, "\(name) sent nothing for \(limits.idleSeconds) s (\(bytes) bytes arrived)")
    }
    if elapsed >= limits.idleSeconds, Double(bytes) < limits.minimumBytesPerSecond * elapsed {
      return TransferFailure(
        .transient, .slow,
        "\(name) sent \(bytes) bytes in \(Int(elapsed)) s, less than \(Int(limits.minimumBytesPerSecond)) bytes/s")
    }
    return nil
  }
}
