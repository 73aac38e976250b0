import DequeModule

/// How many requests each remote host gets at once once it has asked for fewer: a pure state machine, one for the node.
///
/// A 429 or 503 pauses the host for every stream and halves what it gets (additive increase, multiplicative decrease:
/// Chiu and Jain 1989); hosts that never complain are not limited here. Times are seconds on any steady clock.
struct ThrottleLedger: Sendable {
  /// Seconds within which further complaints count as the same one.
  static let sameComplaint = 1.0
  /// Seconds of the first pause without a `Retry-After`, doubled by each complaint up to `longestPause`.
  static let firstPause = 1.0
  static let longestPause = 60.0
  /// From this many at once on, a host is not limited any more.
  static let released = 128.0

  private struct Host {
    var limit = Double.infinity
    var underWay = 0
    var pausedUntil = -Double.infinity
    var lastCut = -Double.infinity
    var complaints = 0
    var queue: Deque<Int> = []
  }

  private var hosts: [String: Host] = [:]

  /// Requests that wait for their host.
  var waiting: Int { hosts.values.reduce(0) { $0 + $1.queue.count } }

  /// Enters a request; true when it may go at once, otherwise `admit` names it later.
  mutating func enter(_ id: Int, host: String, now: Double) -> Bool {
    var state = hosts[host] ?? Host()
    defer { hosts[host] = state }
    if state.queue.isEmpty, now >= state.pausedUntil, Double(state.underWay + 1) <= state.limit {
      state.underWay += 1
      return true
    }
    state.queue.append(id)
    return false
  }

  /// Forgets a request that waits; true if it did.
  mutating func withdraw(_ id: Int, host: String) -> Bool {
    guard let place = hosts[host]?.queue.firstIndex(of: id) else { return false }
    hosts[host]?.queue.remove(at: place)
    forgetIfIdle(host)
    return true
  }

  /// A request that went is over.
  mutating func leave(host: String, succeeded: Bool) {
    guard var state = hosts[host] else { return }
    state.underWay -= 1
    if succeeded, state.limit.isFinite {
      state.limit += 1 / state.limit
      state.complaints = 0
      if state.limit >= Self.released { state.limit = .infinity }
    }
    hosts[host] = state
    forgetIfIdle(host)
  }

  /// The host asked for fewer requests; to be followed by `leave`.
  mutating func slowDown(host: String, retryAfter: Double?, now: Double) {
    var state = hosts[host] ?? Host()
    defer { hosts[host] = state }
    let isNew = now - state.lastCut >= Self.sameComplaint
    if isNew {
      state.lastCut = now
      state.complaints += 1
      state.limit = max(1, (min(state.limit, Double(state.underWay)) / 2).rounded(.down))
    }
    let doubled = Self.firstPause * Double(1 << min(state.complaints - 1, 6))
    let pause = retryAfter ?? (isNew ? min(doubled, Self.longestPause) : 0)
    state.pausedUntil = max(state.pausedUntil, now + pause)
  }

  /// The requests that may go now.
  mutating func admit(now: Double) -> [Int] {
    var admitted: [Int] = []
    for host in hosts.keys.sorted() {
      guard var state = hosts[host], now >= state.pausedUntil else { continue }
      while Double(state.underWay + 1) <= state.limit, let id = state.queue.popFirst() {
        state.underWay += 1
        admitted.append(id)
      }
      hosts[host] = state
    }
    return admitted
  }

  /// When a paused host with waiting requests goes on; nil when none is paused.
  func nextWake(now: Double) -> Double? {
    hosts.values.filter { !$0.queue.isEmpty && $0.pausedUntil > now }.map(\.pausedUntil).min()
  }

  private mutating func forgetIfIdle(_ host: String) {
    guard let state = hosts[host] else { return }
    if state.underWay == 0, state.queue.isEmpty, !state.limit.isFinite { hosts[host] = nil }
  }
}
