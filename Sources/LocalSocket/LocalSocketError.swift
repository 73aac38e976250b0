import LinuxSystem
import SystemPackage

/// Why a local socket did not do what was asked of it.
public struct LocalSocketError: Error, CustomStringConvertible {
  /// What the caller can do.
  public enum Code: Hashable, Sendable {
    /// Nobody listens there now: try again with back-off.
    case unavailable
    /// Another daemon listens at this path: stop it, or configure another path.
    case addressInUse
    /// Path, mode, group or permissions are wrong: fix the configuration.
    case configuration
    /// No progress for as long as was allowed: treat the connection as lost.
    case timedOut
    /// The other end is gone, or this end was closed: reconnect.
    case closed
    /// The kernel dropped passed descriptors because this process may not open more: raise RLIMIT_NOFILE, reconnect.
    case descriptorsCut
    /// The other end attached descriptors that its frames do not account for, or none where they do: report a bug.
    case descriptorsMismatched
    /// The process or the system has no descriptors, threads or memory left: raise the limit.
    case exhausted
    /// Another system call failed: report a bug.
    case system
  }

  public let code: Code
  /// What, where, and what would be right.
  public let message: String
  /// The system call that failed, if one did.
  public let cause: SystemError?

  public init(_ code: Code, _ message: String, cause: SystemError? = nil) {
    self.code = code
    self.message = message
    self.cause = cause
  }

  public var description: String { cause.map { "\(message) (\($0))" } ?? message }
}

extension LocalSocketError {
  /// The error of a call on an open connection.
  init(onConnection cause: SystemError) {
    switch cause.errno {
    case .brokenPipe, .connectionReset, .socketNotConnected, .badFileDescriptor, .socketShutdown:
      self.init(.closed, "the other end closed the connection", cause: cause)
    case .resourceTemporarilyUnavailable:
      self.init(.timedOut, "the other end did not read for as long as the send timeout allows", cause: cause)
    case .tooManyReferences:
      self.init(.exhausted, "too many descriptors are in flight; RLIMIT_NOFILE bounds them", cause: cause)
    case _ where cause.isOutOfDescriptors, .noBufferSpace, .noMemory:
      self.init(.exhausted, "no room for the connection's data", cause: cause)
    default: self.init(.system, "the connection failed", cause: cause)
    }
  }
}
