import AdminDocuments

/// What was done for a dataset's sessions. Sums that only grow.
struct ServedSums: Sendable {
  var sessions = 0
  var batches = 0
  var samples = 0
  var bytes = 0
  /// Of waits that are over.
  var stalls = StallSeconds()

  mutating func add(_ other: ServedSums) {
    sessions += other.sessions
    batches += other.batches
    samples += other.samples
    bytes += other.bytes
    stalls.add(other.stalls)
  }
}

extension StallSeconds {
  mutating func add(_ other: StallSeconds) {
    plan += other.plan
    queue += other.queue
    download += other.download
    verify += other.verify
    decompress += other.decompress
    client += other.client
  }
}

extension SessionProgress {
  /// What one session adds to its dataset's sums.
  var sums: ServedSums {
    ServedSums(sessions: 1, batches: batchesServed, samples: samples, bytes: bytes, stalls: stalls)
  }
}
