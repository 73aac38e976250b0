import LinuxSystem
import Synchronization
import WireProtocol

/// What the daemon counts for Prometheus beside what status shows. Counts only grow as long as the daemon lives.
final class DaemonMetrics: Sendable {
  /// Where a plan came from.
  enum PlanSource: String, CaseIterable, Sendable {
    case made, disk
  }

  /// Everything at one moment.
  struct Snapshot: Sendable {
    var requests = RequestTimes.none
    var errors: [String: Int] = [:]
    var plans: [PlanSource: Histogram] = [:]
    var shardSeconds = Histogram(bounds: Histogram.workSeconds)
    var shardBytes = Histogram(bounds: Histogram.shardBytes)
  }

  private struct State {
    var sums = Snapshot()
    var open: [UInt64: RequestTimes] = [:]
    var opened: UInt64 = 0
  }

  private let state = Mutex(State())
  /// Seconds since 1970.
  let started = WallClock.seconds()
  let streams = BoundedLabels()
  let datasets = BoundedLabels()

  init() {
    state.withLock { state in
      for source in PlanSource.allCases { state.sums.plans[source] = Histogram(bounds: Histogram.workSeconds) }
    }
  }

  /// A connection's own counts, under a number to end them by.
  func connection() -> (number: UInt64, times: RequestTimes) {
    state.withLock { state in
      state.opened += 1
      let times = RequestTimes()
      state.open[state.opened] = times
      return (state.opened, times)
    }
  }

  /// The connection is gone; what it counted stays.
  func ended(_ number: UInt64) {
    state.withLock { state in
      guard let times = state.open.removeValue(forKey: number) else { return }
      state.sums.add(times)
    }
  }

  /// A client was told an error.
  func refused(_ code: String) { state.withLock { $0.sums.errors[code, default: 0] += 1 } }

  func planned(_ source: PlanSource, seconds: Double) { state.withLock { $0.sums.plans[source]?.observe(seconds) } }

  /// A shard came into the cache.
  func committed(bytes: Int, seconds: Double) {
    state.withLock { state in
      state.sums.shardBytes.observe(Double(bytes))
      state.sums.shardSeconds.observe(seconds)
    }
  }

  /// Connections that are open and have said hello.
  var connections: Int { state.withLock { $0.open.count } }

  var snapshot: Snapshot {
    state.withLock { state in
      var sums = state.sums
      for times in state.open.values { sums.add(times) }
      return sums
    }
  }
}

extension DaemonMetrics.Snapshot {
  fileprivate mutating func add(_ times: RequestTimes) {
    for (place, histogram) in times.all.enumerated() { requests[place].merge(histogram) }
  }
}
