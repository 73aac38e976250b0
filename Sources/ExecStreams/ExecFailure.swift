import LinuxSystem
import StreamRegistry
import SystemPackage

/// What a run that delivered nothing means to the daemon.
enum ExecFailure {
  /// The error of a run that did not end well; nil when it did.
  ///
  /// - Parameters:
  ///   - what: what was asked for, for the message: `shard.00000.mds of exec:scans`.
  ///   - promised: the most that it might write, in words.
  static func error(
    _ outcome: ExecOutcome, fault: ExecFault?, what: String, given: Int, promised: String
  ) -> StreamSourceError? {
    switch outcome {
    case .ended(.exited(0)): return fault.map { self.fault($0, what, promised) }
    case .ended(let end): return ended(end, "\(what): the command \(end) after \(given) bytes; its log says more")
    case .stopped:
      return fault.map { self.fault($0, what, promised) }
        ?? StreamSourceError(.transient, "\(what): the command was ended", cause: "source")
    case .cancelled: return cancelled(what)
    case .lost: return StreamSourceError(.transient, "\(what): the command's guard was killed", cause: "source")
    case .notStarted(let error): return notStarted(error, what)
    }
  }

  /// The error of a task that was cancelled.
  static func cancelled(_ what: String) -> StreamSourceError {
    StreamSourceError(.transient, "\(what): cancelled", cause: "cancelled")
  }

  /// The error of a file that this machine could not keep.
  static func disk(_ error: SystemError, _ what: String) -> StreamSourceError {
    let isLocal = error.isNoSpace || error.isOutOfDescriptors || error.errno == .badFileDescriptor
    return StreamSourceError(isLocal ? .local : .transient, "\(what): \(error)", cause: "disk")
  }

  /// Exit statuses as sysexits.h has them; any other is worth another try.
  private static func ended(_ end: ExecEnd, _ message: String) -> StreamSourceError {
    switch end {
    case .exited(66): StreamSourceError(.notFound, message + " (66: it is not there)", cause: "notFound")
    case .exited(77): StreamSourceError(.refused, message + " (77: not permitted)", cause: "credentials")
    case .exited(64), .exited(78):
      StreamSourceError(.permanent, message + " (64, 78: its configuration is wrong)", cause: "source")
    default: StreamSourceError(.transient, message, cause: "source")
    }
  }

  private static func fault(_ fault: ExecFault, _ what: String, _ promised: String) -> StreamSourceError {
    switch fault {
    case .flood:
      return StreamSourceError(.transient, "\(what): the command wrote more than \(promised)", cause: "wrongLength")
    case .disk(let error): return disk(error, what)
    case .pace(.silent(let seconds)):
      return StreamSourceError(
        .transient, "\(what): the command gave no byte for \(seconds) seconds (download_timeout)", cause: "stalled")
    case .pace(.slow(let rate, let least)):
      return StreamSourceError(
        .transient, "\(what): the command gave \(Int(rate)) bytes a second; \(Int(least)) are the least", cause: "slow")
    case .pace(.late(let seconds)):
      return StreamSourceError(
        .transient, "\(what): the command took longer than \(seconds) seconds (timeout)", cause: "deadline")
    }
  }

  private static func notStarted(_ error: SystemError, _ what: String) -> StreamSourceError {
    let message = "\(what): the command cannot be run: \(error)"
    switch error.errno {
    case .noSuchFileOrDirectory, .permissionDenied, .notDirectory, .execFormatError, .isDirectory, .fileNameTooLong,
      .argListTooLong:
      return StreamSourceError(.permanent, message, cause: "source")
    default: return StreamSourceError(.local, message, cause: "source")
    }
  }
}
