internal import CLinux
import Glibc
import SystemPackage

/// A process that this one started.
public struct ChildProcess: Sendable {
  /// How a process ended.
  public enum End: Sendable, Hashable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)

    public var description: String {
      switch self {
      case .exited(let status): "exited with status \(status)"
      case .signalled(let signal): "was ended by signal \(signal)"
      }
    }
  }

  public let processID: Int32

  /// A child by its number, which has not been waited for yet.
  public init(processID: Int32) { self.processID = processID }

  /// Starts `executable` with exactly these arguments (the first is the name), environment and descriptors.
  ///
  /// The child's standard input is /dev/null unless `descriptors` says otherwise; standard output and error are this
  /// process's; of the rest it has only `descriptors`. Signals are back at their defaults and unblocked.
  ///
  /// - Parameter descriptors: what the child finds open, by the number it has there; without gaps from 3.
  public static func start(
    _ executable: String, arguments: [String], environment: [String: String], descriptors: [Int32: OwnedDescriptor]
  ) throws(SystemError) -> ChildProcess {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    try check(posix_spawn_file_actions_init(&actions), executable)
    defer { posix_spawn_file_actions_destroy(&actions) }
    try check(posix_spawnattr_init(&attributes), executable)
    defer { posix_spawnattr_destroy(&attributes) }
    // Duplicates above every target number first, so that no target overwrites another's source.
    let highest = max(2, descriptors.keys.max() ?? 2)
    var sources: [(target: Int32, source: OwnedDescriptor)] = []
    for (target, descriptor) in descriptors.sorted(by: { $0.key < $1.key }) {
      let copy = try systemCall("fcntl(F_DUPFD_CLOEXEC)", "descriptor \(descriptor.raw)") {
        fcntl(descriptor.raw, F_DUPFD_CLOEXEC, highest + 1)
      }
      sources.append((target, OwnedDescriptor(adopting: copy)))
    }
    if descriptors[0] == nil {
      try check(posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0), executable)
    }
    for (target, source) in sources {
      try check(posix_spawn_file_actions_adddup2(&actions, source.raw, target), executable)
    }
    try check(posix_spawn_file_actions_addclosefrom_np(&actions, highest + 1), executable)
    try setSignals(&attributes, executable)
    let processID = try spawn(executable, arguments, environment, &actions, &attributes)
    withExtendedLifetime(sources) {}
    return ChildProcess(processID: processID)
  }

  /// Sends a signal; a process that is gone already is no error.
  public func signal(_ number: Int32) { _ = kill(processID, number) }

  /// Ends the process at once.
  public func end() { signal(SIGKILL) }

  /// Blocks until the process has ended, and says how. To be called once: afterwards the number may be another's.
  public func wait() throws(SystemError) -> End {
    var status: Int32 = 0
    try systemCall("waitpid", "process \(processID)") { waitpid(processID, &status, 0) }
    let signal = status & 0x7f
    return signal == 0 ? .exited((status >> 8) & 0xff) : .signalled(signal)
  }

  private static func setSignals(
    _ attributes: inout posix_spawnattr_t, _ executable: String
  ) throws(SystemError) {
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    sigdelset(&all, SIGKILL)
    sigdelset(&all, SIGSTOP)
    try check(posix_spawnattr_setsigmask(&attributes, &none), executable)
    try check(posix_spawnattr_setsigdefault(&attributes, &all), executable)
    try check(
      posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)), executable)
  }

  private static func spawn(
    _ executable: String, _ arguments: [String], _ environment: [String: String],
    _ actions: inout posix_spawn_file_actions_t, _ attributes: inout posix_spawnattr_t
  ) throws(SystemError) -> Int32 {
    let argumentTexts = arguments.map { strdup($0) }
    let environmentTexts = environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") }
    defer { for text in argumentTexts + environmentTexts { free(text) } }
    var processID: Int32 = 0
    try check(
      posix_spawn(&processID, executable, &actions, &attributes, argumentTexts + [nil], environmentTexts + [nil]),
      executable)
    return processID
  }

  private static func check(_ code: Int32, _ subject: String) throws(SystemError) {
    if code != 0 { throw SystemError("posix_spawn", subject, Errno(rawValue: code)) }
  }
}
