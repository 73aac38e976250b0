internal import CLinux
import Glibc
import SystemPackage

/// What a process sets for itself.
public enum ProcessSettings {
  /// Has the kernel end this process when the thread that started it ends; call first thing in a child.
  public static func dieWithParent() throws(SystemError) {
    try systemCall("prctl(PR_SET_PDEATHSIG)", "this process") { sluice_die_with_parent() }
  }

  /// Leaves the signals that stop a daemon to the daemon: whoever started this process decides when it ends.
  public static func ignoreStopSignals() {
    for number in [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE] { _ = Glibc.signal(number, SIG_IGN) }
  }

  /// Lowers the number of descriptors that this process may have, if it is higher, and forbids core files.
  public static func limitResources(descriptors: Int) throws(SystemError) {
    var limit = rlimit()
    let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    try systemCall("getrlimit(RLIMIT_NOFILE)", "this process") { getrlimit(files, &limit) }
    limit.rlim_cur = min(limit.rlim_cur, rlim_t(descriptors))
    try systemCall("setrlimit(RLIMIT_NOFILE)", "this process") { setrlimit(files, &limit) }
    var none = rlimit()
    try systemCall("setrlimit(RLIMIT_CORE)", "this process") {
      setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &none)
    }
  }

  /// Has the threads that this one makes from now on, and itself, work in batches: one that wakes waits for a core rather
  /// than pushing another off it. Shares of the processor stay what they are.
  public static func workInBatches() throws(SystemError) {
    try systemCall("sched_setscheduler(SCHED_BATCH)", "this thread") { sluice_batch_scheduling() }
  }

  /// True when at least `count` more descriptors can be opened.
  public static func hasDescriptors(_ count: Int) -> Bool {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return true }
    guard limit.rlim_cur > count else { return false }
    let lowest = Int32(clamping: min(limit.rlim_cur, rlim_t(Int32.max))) - Int32(clamping: count)
    // Numbers are given out lowest first: when this one is free, so are, near enough, those above it.
    if fcntl(lowest, F_GETFD) < 0 { return true }
    // It may be one that was opened among many and outlived them: count.
    var free = 0
    for number in stride(from: lowest + Int32(clamping: count) - 1, through: 0, by: -1) {
      if fcntl(number, F_GETFD) < 0 { free += 1 }
      if free >= count { return true }
    }
    return false
  }

  /// Ends this process without running anything else; what it has printed is written first (a pipe is buffered).
  public static func exitNow(_ status: Int32) -> Never {
    fflush(nil)
    _exit(status)
  }

  /// Ends this process with everything written that was printed.
  public static func exitFlushed(_ status: Int32) -> Never {
    fflush(nil)
    _exit(status)
  }

  /// This process's number.
  public static var processID: Int32 { getpid() }

  /// Cores that this process may run on.
  public static var cores: Int {
    var mask = [UInt8](repeating: 0, count: 1024)
    let isKnown = sluice_affinity(&mask, UInt(mask.count)) == 0
    return isKnown ? max(1, mask.reduce(0) { $0 + $1.nonzeroBitCount }) : 1
  }
}
