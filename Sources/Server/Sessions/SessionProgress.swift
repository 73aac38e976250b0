import AdminDocuments
import ShardCache

/// How far a session is, how fast it goes, and what its time was spent on. A value; times are seconds of one clock.
struct SessionProgress: Sendable {
  private(set) var epoch = 0
  /// Next batch of the rank.
  private(set) var batch = 0
  private(set) var batches = 0
  private(set) var samples = 0
  private(set) var bytes = 0
  /// Batches served, whatever their place.
  private(set) var batchesServed = 0
  /// Of what is over.
  private(set) var stalls = StallSeconds()
  private(set) var wait: Wait?
  private(set) var lastRequest: Double
  /// Mean seconds between batches, newer ones weighing more; nil before the second batch.
  private(set) var secondsPerBatch: Double?
  private var lastReply: Double?
  private var samplesPerBatch = 0.0
  private var bytesPerBatch = 0.0

  /// Weight of the newest batch in the means: a change of pace shows after some ten batches.
  private static let weight = 0.1

  /// What a request under way waits for.
  struct Wait: Sendable {
    let what: String
    let since: Double
    /// Where the time of a wait for shards goes; nil for a plan.
    let shards: ShardWait?
  }

  init(now: Double) { lastRequest = now }

  /// A request came in. The time since the last reply was the client's own.
  mutating func requested(now: Double) {
    if let lastReply { stalls.client += max(0, now - lastReply) }
    lastRequest = now
    lastReply = nil
  }

  /// A request under way waits for shards, or else for a plan; `waited` follows.
  mutating func waits(for what: String, on shards: ShardWait? = nil, since: Double) {
    wait = Wait(what: what, since: since, shards: shards)
  }

  /// The wait is over: all of its time goes to its causes.
  mutating func waited(until now: Double) {
    guard let wait else { return }
    stalls.add(now - wait.since, by: wait.shards?.seconds)
    self.wait = nil
  }

  /// The session ends: what passed since the last reply was the client's.
  mutating func closes(now: Double) {
    waited(until: now)
    if let lastReply { stalls.client += max(0, now - lastReply) }
    lastReply = nil
  }

  /// The stalls with the wait under way and the time since the last reply, which is the client's.
  func stalls(now: Double, waiting: PhaseSeconds?) -> StallSeconds {
    var stalls = stalls
    if let wait {
      stalls.add(now - wait.since, by: waiting)
    } else if let lastReply {
      stalls.client += max(0, now - lastReply)
    }
    return stalls
  }

  /// An epoch was planned for this session.
  mutating func began(epoch: Int, batches: Int) {
    if epoch != self.epoch { batch = 0 }
    self.epoch = epoch
    self.batches = batches
  }

  /// Batches were served; `next` is the number after the last of them.
  mutating func served(next: Int, count: Int, samples: Int, bytes: Int, now: Double) {
    batch = next
    batchesServed += count
    if let previous = lastServed, count > 0 {
      let seconds = (now - previous) / Double(count)
      secondsPerBatch = secondsPerBatch.map { $0 + Self.weight * (seconds - $0) } ?? seconds
    }
    if count > 0 {
      samplesPerBatch = Double(samples) / Double(count)
      bytesPerBatch = Double(bytes) / Double(count)
    }
    lastServed = now
    replied(now: now, samples: samples, bytes: bytes)
  }

  /// A reply went out, with so many samples and bytes.
  mutating func replied(now: Double, samples: Int = 0, bytes: Int = 0) {
    self.samples += samples
    self.bytes += bytes
    lastReply = now
  }

  private var lastServed: Double?

  /// Samples a second at the present pace; 0 when the session rests longer than ten batches take.
  func samplesPerSecond(now: Double) -> Double { pace(now).map { samplesPerBatch / $0 } ?? 0 }

  /// Bytes a second at the present pace.
  func bytesPerSecond(now: Double) -> Double { pace(now).map { bytesPerBatch / $0 } ?? 0 }

  private func pace(_ now: Double) -> Double? {
    guard let secondsPerBatch, secondsPerBatch > 0, now - lastRequest < max(10 * secondsPerBatch, 5) else { return nil }
    return secondsPerBatch
  }
}

extension StallSeconds {
  /// Adds a wait of `seconds`, all of it: by the phases of the shards it was for, or as the plan's. What lies between
  /// the phases (threads that wake one another) is waiting for a turn.
  mutating func add(_ seconds: Double, by phases: PhaseSeconds?) {
    guard let phases else {
      plan += max(0, seconds)
      return
    }
    download += phases.download
    verify += phases.verify
    decompress += phases.decompress
    queue += phases.queue + max(0, seconds - phases.total)
  }
}
