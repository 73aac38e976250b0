/// How often and after how long a failed download is tried again.
public struct RetryPolicy: Hashable, Sendable {
  /// Attempts in all (`download_retry`; the reference's default is 2).
  public var attempts: Int
  /// Attempts on top of those while the remote asks for fewer requests: being busy is no fault of the file's.
  public var throttledAttempts = 10
  /// Seconds before the second attempt; doubled for each later one.
  public var firstDelay = 1.0
  /// The longest delay in seconds, before jitter.
  public var longestDelay = 60.0

  public init(attempts: Int = 2) { self.attempts = max(1, attempts) }
}

/// One download's attempts: a pure state machine. Source for the delays: formats.md §11 (2^i + U(0, ½) seconds after
/// attempt i), capped, and never shorter than the remote's `Retry-After`.
public struct RetryState: Hashable, Sendable {
  /// What a failure means for trying again.
  public enum Failure: Hashable, Sendable {
    case transient
    /// The remote asks for fewer requests.
    case throttled
    /// Kept bytes belong to another state of the file.
    case restart
    /// What arrived is not what the index promises.
    case corrupt
    case permanent
  }

  public enum Decision: Hashable, Sendable {
    /// Try again after some seconds; `keepsBytes` when what was written may be continued.
    case again(afterSeconds: Double, keepsBytes: Bool)
    case giveUp
  }

  public let policy: RetryPolicy
  /// Attempts made.
  public private(set) var attempts = 0
  private var throttled = 0
  private var restarts = 0

  public init(_ policy: RetryPolicy) { self.policy = policy }

  /// An attempt failed.
  ///
  /// - Parameters:
  ///   - retryAfter: seconds that the remote asked to wait.
  ///   - random: uniform in 0..<1, for jitter.
  public mutating func failed(_ failure: Failure, retryAfter: Double? = nil, random: Double) -> Decision {
    attempts += 1
    switch failure {
    case .permanent: return .giveUp
    case .restart:
      // The first one costs nothing: the attempt before it was the one that failed.
      restarts += 1
      if restarts == 1 { return .again(afterSeconds: 0, keepsBytes: false) }
    case .throttled:
      throttled += 1
      if throttled <= policy.throttledAttempts {
        return .again(afterSeconds: delay(throttled - 1, retryAfter, random), keepsBytes: true)
      }
    case .transient, .corrupt: break
    }
    let counted = attempts - min(throttled, policy.throttledAttempts) - min(restarts, 1)
    guard counted < policy.attempts else { return .giveUp }
    return .again(afterSeconds: delay(counted - 1, retryAfter, random), keepsBytes: failure == .transient)
  }

  private func delay(_ step: Int, _ retryAfter: Double?, _ random: Double) -> Double {
    let doubled = policy.firstDelay * Double(1 << min(max(step, 0), 16))
    return max(min(doubled, policy.longestDelay), retryAfter ?? 0) + random * policy.firstDelay / 2
  }
}
