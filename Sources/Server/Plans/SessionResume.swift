import DatasetModel

/// Where a session's epochs come from: the checkpoint it was opened with stays in force for later epochs too.
///
/// The reference keeps a checkpoint's canonical nodes, seed and first node count on the copy of the dataset that loaded
/// it (planning.md §10); with loader workers that do not persist it falls back to the constructor's in the next epoch
/// (quirk Q22). Sluice always behaves as with persistent workers.
struct SessionResume: Hashable, Sendable {
  /// nil when there was no checkpoint, or one taken before any iteration (epoch −1).
  let point: ResumePoint?

  init(_ point: ResumePoint?) {
    self.point = point.flatMap { $0.epoch < 0 ? nil : $0 }
  }

  /// The epoch that comes first.
  var firstEpoch: Int { point?.epoch ?? 0 }

  /// What planning needs to continue or begin `epoch`.
  func resume(for epoch: Int) -> ResumePoint? {
    guard var point else { return nil }
    if point.epoch != epoch {
      point.epoch = epoch
      point.sampleInEpoch = 0
    }
    return point
  }
}
