import SystemPackage

/// A system call that failed: which, on what, and why.
public struct SystemError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The call's name as its manual page has it (`openat`, `fsync`).
  public let call: String
  /// What it was called on: a path or a description, never a secret.
  public let subject: String
  public let errno: Errno
  /// What it means here, where the system's own words for `errno` say too little.
  public let reason: String?

  public init(_ call: String, _ subject: String, _ errno: Errno, reason: String? = nil) {
    self.call = call
    self.subject = subject
    self.errno = errno
    self.reason = reason
  }

  public var description: String { "\(call) \(subject): \(why)" }

  /// The reason alone, for whoever names the file.
  public var why: String { reason ?? errno.description }

  /// True when the file system has no room (ENOSPC, EDQUOT): waiting or evicting can help.
  public var isNoSpace: Bool { errno == .noSpace || errno == .diskQuotaExceeded }

  /// True when there is no such file (ENOENT).
  public var isMissing: Bool { errno == .noSuchFileOrDirectory }

  /// True when a name stands for what is not opened as a file: a link that leads out of its directory or in circles, a
  /// directory, a device, a pipe.
  public var isNoPlainFile: Bool {
    switch errno {
    case .improperLink, .tooManySymbolicLinkLevels, .isDirectory, .operationNotSupportedByDevice: true
    default: false
    }
  }

  /// True when the name is taken (EEXIST, or ENOTEMPTY for a directory).
  public var isExisting: Bool { errno == .fileExists || errno == .directoryNotEmpty }

  /// True when a directory still holds something (ENOTEMPTY, or EEXIST on some file systems).
  public var isNotEmpty: Bool { errno == .directoryNotEmpty || errno == .fileExists }

  /// True when the process or the system has no descriptors left (EMFILE, ENFILE).
  public var isOutOfDescriptors: Bool { errno == .tooManyOpenFiles || errno == .tooManyOpenFilesInSystem }
}

extension SystemError {
  /// True when the other end of a socket or pipe is gone (EPIPE, ECONNRESET).
  public var isDisconnect: Bool { errno == .brokenPipe || errno == .connectionReset }
}
