/// What a shard on its way is doing, or what keeps it from beginning.
public enum ShardPhase: String, Sendable, CaseIterable {
  /// Waits for room in the cache, or for its turn to be fetched.
  case queue
  /// Bytes are asked of the remote, further attempts and the pauses before them included.
  case download
  /// Size and digest are checked, files are flushed and put in place.
  case verify
  /// The remote's compressed form becomes the raw one.
  case decompress
}

/// Seconds by phase.
public struct PhaseSeconds: Sendable, Hashable {
  public internal(set) var queue = 0.0
  public internal(set) var download = 0.0
  public internal(set) var verify = 0.0
  public internal(set) var decompress = 0.0

  public init() {}

  /// All of them together.
  public var total: Double { queue + download + verify + decompress }

  /// Adds seconds to one phase; what is negative counts as nothing.
  public mutating func add(_ seconds: Double, to phase: ShardPhase) {
    let seconds = max(0, seconds)
    switch phase {
    case .queue: queue += seconds
    case .download: download += seconds
    case .verify: verify += seconds
    case .decompress: decompress += seconds
    }
  }

  public static func += (left: inout PhaseSeconds, right: PhaseSeconds) {
    left.queue += right.queue
    left.download += right.download
    left.verify += right.verify
    left.decompress += right.decompress
  }
}

/// Through which phases a download went, and since when. A value; times are seconds of the cache's clock.
struct PhaseTimeline: Sendable {
  struct Mark: Sendable, Hashable {
    var phase: ShardPhase
    var since: Double
  }

  /// More are not kept: a shard that was fetched so often stays in its last phase.
  static let limit = 512

  private(set) var marks: [Mark] = []

  /// The phase it is in.
  var phase: ShardPhase { marks.last?.phase ?? .queue }

  /// From `now` on it is in `phase`.
  mutating func enter(_ phase: ShardPhase, now: Double) {
    guard phase != self.phase, marks.count < Self.limit else { return }
    marks.append(Mark(phase: phase, since: max(now, marks.last?.since ?? now)))
  }

  /// Gives the last `seconds` of the phase that ends now to another: two kinds of work were done in turns in one pass.
  mutating func carve(_ seconds: Double, for phase: ShardPhase, now: Double) {
    guard let last = marks.last, seconds > 0 else { return }
    enter(phase, now: max(last.since, now - seconds))
  }

  /// What passed as the present phase was another one.
  mutating func recast(as phase: ShardPhase) {
    guard !marks.isEmpty else { return }
    marks[marks.count - 1].phase = phase
  }

  /// The seconds between two moments by phase; what lies before the first mark was spent in the queue.
  func split(from start: Double, to end: Double) -> PhaseSeconds {
    var seconds = PhaseSeconds()
    var phase = ShardPhase.queue
    var since = start
    for mark in marks where mark.since < end {
      let at = max(mark.since, start)
      seconds.add(at - since, to: phase)
      (phase, since) = (mark.phase, at)
    }
    seconds.add(end - since, to: phase)
    return seconds
  }
}
