internal import CExecGuard
import Glibc
import SystemPackage

/// A command to be run under a guard: what it is, and what it may take.
public struct ExecCommand: Sendable, Hashable {
  /// Absolute path.
  public var executable: String
  /// Its arguments, the name apart.
  public var arguments: [String]
  /// Its whole environment.
  public var environment: [String: String]
  /// Its working directory.
  public var directory: String
  /// Most bytes of private memory of each of its processes (RLIMIT_DATA); 0 for no bound.
  public var memoryBytes = 0
  /// Longest file that each of its processes may write (RLIMIT_FSIZE); 0 for no bound.
  public var fileBytes = 0

  public init(executable: String, arguments: [String], environment: [String: String], directory: String) {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
    self.directory = directory
  }
}

/// How a command came to its end.
public enum ExecEnd: Sendable, Hashable, CustomStringConvertible {
  case exited(Int32)
  case signalled(Int32)

  init(waitStatus: Int32) {
    let signal = waitStatus & 0x7f
    self = signal == 0 ? .exited((waitStatus >> 8) & 0xff) : .signalled(signal)
  }

  public var description: String {
    switch self {
    case .exited(let status): "ended with status \(status)"
    case .signalled(let signal): "was ended by signal \(signal)\(Self.names[signal].map { " (\($0))" } ?? "")"
    }
  }

  private static let names: [Int32: String] = [
    SIGABRT: "SIGABRT", SIGSEGV: "SIGSEGV", SIGKILL: "SIGKILL", SIGTERM: "SIGTERM", SIGBUS: "SIGBUS",
    SIGXFSZ: "SIGXFSZ, a file over its limit", SIGPIPE: "SIGPIPE", SIGILL: "SIGILL", SIGFPE: "SIGFPE",
  ]
}

/// A command that runs: its guard, and the pipe on which the guard reports.
///
/// Made and waited for on one thread, because the guard ends the command when that thread ends.
struct ExecProcess: ~Copyable {
  private let guardID: pid_t
  /// Where the report arrives; readable also when the guard is gone.
  let reports: OwnedDescriptor

  /// Starts the guard. Descriptors 0, 1 and 2, and 3 of the command are `input`, `log` and `output`.
  init(
    _ command: ExecCommand, input: OwnedDescriptor, log: OwnedDescriptor, output: OwnedDescriptor
  ) throws(SystemError) {
    let (reading, writing) = try OwnedDescriptor.pipe()
    let arguments = [command.executable] + command.arguments
    let environment = command.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let texts = CTexts(arguments), variables = CTexts(environment)
    var (started, failure): (pid_t, Int32) = (-1, 0)
    command.executable.withCString { executable in
      command.directory.withCString { directory in
        texts.pointers.withUnsafeBufferPointer { arguments in
          variables.pointers.withUnsafeBufferPointer { environment in
            var request = sluice_exec_request()
            request.executable = executable
            request.directory = directory
            request.arguments = arguments.baseAddress
            request.environment = environment.baseAddress
            (request.input, request.log, request.output) = (input.raw, log.raw, output.raw)
            request.report = writing.raw
            request.memory_bytes = UInt64(command.memoryBytes)
            request.file_bytes = UInt64(command.fileBytes)
            started = sluice_exec_start(&request)
            failure = errno
          }
        }
      }
    }
    guard started > 0 else { throw SystemError("fork", command.executable, Errno(rawValue: failure)) }
    guardID = started
    reports = reading
  }

  deinit {
    // A guard that has reported is ending, so this does not wait; one that never will is killed first, and the
    // command's group after it: the guard that would have done that is gone.
    if !hasReported {
      kill(guardID, SIGKILL)
      if commandID > 0 { kill(-commandID, SIGKILL) }
    }
    _ = ExecProcess.reap(guardID)
  }

  private var hasReported = false
  private var commandID: pid_t = 0

  /// Has the guard end the command and everything that descends from it; the report follows.
  func end() { kill(guardID, SIGTERM) }

  /// What the guard reports.
  enum Report: Sendable {
    case started
    case ended(ExecEnd)
    /// Nothing any more: somebody killed it.
    case lost
  }

  /// Reads a report; to be called when `reports` is readable.
  ///
  /// - Throws: when the command could not be started.
  mutating func report() throws(SystemError) -> Report {
    var record = sluice_exec_report()
    let size = MemoryLayout<sluice_exec_report>.size
    let descriptor = reports.raw
    let count = try systemCall("read", "the guard's report") { read(descriptor, &record, size) }
    guard count == size else { return .lost }
    switch UInt32(record.kind) {
    case SLUICE_EXEC_STARTED.rawValue:
      commandID = record.value
      return .started
    case SLUICE_EXEC_FAILED.rawValue:
      hasReported = true
      throw SystemError("execve", "the command", Errno(rawValue: record.value))
    default:
      hasReported = true
      return .ended(ExecEnd(waitStatus: record.value))
    }
  }

  /// Waits for a child to end; false when it is none of this process's.
  static func reap(_ child: pid_t) -> Bool {
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
      if errno != EINTR { return false }
    }
    return true
  }
}

/// Texts as C wants them, ended by a null; freed with the object.
final class CTexts {
  let pointers: [UnsafeMutablePointer<CChar>?]
  init(_ texts: [String]) { pointers = texts.map { strdup($0) } + [nil] }
  deinit { for pointer in pointers { free(pointer) } }
}

extension OwnedDescriptor {
  /// A pipe: its reading and its writing end, both closed on exec.
  static func pipe() throws(SystemError) -> (reading: OwnedDescriptor, writing: OwnedDescriptor) {
    var ends: [CInt] = [-1, -1]
    try systemCall("pipe2", "pipe") { sluice_exec_pipe(&ends) }
    return (OwnedDescriptor(adopting: ends[0]), OwnedDescriptor(adopting: ends[1]))
  }
}
