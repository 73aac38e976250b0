import AdminDocuments

/// How far a session is, how fast it goes, and what its time was spent on. A value; times are seconds of one clock.
struct SessionProgress: Sendable {
  private(set) var epoch = 0
  /// Next batch of the rank.
  private(set) var batch = 0
  private(set) var batches = 0
  private(set) var samples = 0
  private(set) var bytes = 0
  private(set) var stalls = StallSeconds()
  private(set) var waitingFor: String?
  private(set) var lastRequest: Double
  /// Mean seconds between batches, newer ones weighing more; nil before the second batch.
  private(set) var secondsPerBatch: Double?
  private var lastReply: Double?
  private var samplesPerBatch = 0.0
  private var bytesPerBatch = 0.0

  /// Weight of the newest batch in the means: a change of pace shows after some ten batches.
  private static let weight = 0.1

  init(now: Double) { lastRequest = now }

  /// A request came in. The time since the last reply was the client's own.
  mutating func requested(now: Double) {
    if let lastReply { stalls.client += max(0, now - lastReply) }
    lastRequest = now
    lastReply = nil
  }

  /// A request under way waits for something; `cause` says which of the sums the time belongs to.
  mutating func waits(for what: String?) { waitingFor = what }

  /// Adds `seconds` to a cause of stalling.
  mutating func stalled(_ cause: WritableKeyPath<StallSeconds, Double>, seconds: Double) {
    stalls[keyPath: cause] += max(0, seconds)
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
    self.samples += samples
    self.bytes += bytes
    if let previous = lastServed, count > 0 {
      let seconds = (now - previous) / Double(count)
      secondsPerBatch = secondsPerBatch.map { $0 + Self.weight * (seconds - $0) } ?? seconds
    }
    if count > 0 {
      samplesPerBatch = Double(samples) / Double(count)
      bytesPerBatch = Double(bytes) / Double(count)
    }
    lastServed = now
    replied(now: now)
  }

  /// A reply went out.
  mutating func replied(now: Double) {
    lastReply = now
    waitingFor = nil
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
