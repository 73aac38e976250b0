import Planning

/// Which limits were said to be tight for which datasets: every rank finds so in every epoch, and a log that says it each
/// time hides what else it says. A value; what it remembers is bounded.
struct TightLimits: Sendable {
  /// What was said, and of what.
  struct Subject: Hashable, Sendable {
    let dataset: String
    /// A dataset that has changed is another one.
    let fingerprint: Fingerprint
    /// `cache.limit`, or the limit of a stream.
    let option: String
  }

  private struct Said {
    let limit: Int
    let batchBytes: Int
    var lastUse: Int
  }

  /// Subjects remembered; the one that has not come up for longest is forgotten first, and would be said again.
  static let kept = 256

  private var said: [Subject: Said] = [:]
  private var uses = 0

  /// Whether it has not been said yet that this limit is tight, or it has become worse: another limit, or a larger batch
  /// than those spoken of. From here on it counts as said.
  mutating func isNews(_ subject: Subject, limit: Int, batchBytes: Int) -> Bool {
    uses += 1
    if let known = said[subject], known.limit == limit, batchBytes <= known.batchBytes {
      said[subject]?.lastUse = uses
      return false
    }
    said[subject] = Said(limit: limit, batchBytes: batchBytes, lastUse: uses)
    if said.count > Self.kept, let oldest = said.min(by: { $0.value.lastUse < $1.value.lastUse }) {
      said[oldest.key] = nil
    }
    return true
  }
}
