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

  /// Seconds before an attempt, from the second on, when the one before it failed: 2^i + U(0, ½) first delays after
  /// attempt i from 0 (formats.md §11), capped.
  ///
  /// - Parameter random: uniform in 0..<1, for jitter.
  public func delay(before attempt: Int, retryAfter: Double? = nil, random: Double) -> Double {
    let doubled = firstDelay * Double(1 << min(max(attempt - 2, 0), 16))
    return max(min(doubled, longestDelay), retryAfter ?? 0) + random * firstDelay / 2
  }
}

/// One download's attempts: a pure state machine. No delay is shorter than the remote's `Retry-After`.
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
        let seconds = policy.delay(before: throttled + 1, retryAfter: retryAfter, random: random)
        return .again(afterSeconds: seconds, keepsBytes: true)
      }
    case .transient, .corrupt: break
    }
    let counted = attempts - min(throttled, policy.throttledAttempts) - min(restarts, 1)
    guard counted < policy.attempts else { return .giveUp }
    let seconds = policy.delay(before: counted + 1, retryAfter: retryAfter, random: random)
    return .again(afterSeconds: seconds, keepsBytes: failure == .transient)
  }
}
