import LinuxSystem

/// The points between which a crash, or a failing call, finds different things on the disk.
public enum StagingStep: String, CaseIterable, Sendable {
  case directoryMade
  case filesMade
  case spaceTaken
  case fetched
  case verified
  case zipRemoved
  case filesSynced
  case recordWritten
  case directorySynced
  case renamed
  case committed
  case recordUnlinked
  case fileUnlinked
  case directoryRemoved
}

/// Watches the cache work on its files. For tests: a step can end the process, or fail as the system would.
public protocol StagingObserver: Sendable {
  /// Called after each step, on the thread that took it.
  func reached(_ step: StagingStep) throws(SystemError)
}

/// Lets everything pass.
struct NoObserver: StagingObserver {
  func reached(_ step: StagingStep) throws(SystemError) {}
}
