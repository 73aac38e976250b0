import Glibc
import SystemPackage

/// Tells the service manager how the daemon is doing (sd_notify(3)).
public struct ServiceNotifier: Sendable {
  private let address: UnixAddress
  /// How often the service manager wants to hear `watchdog`; call it at half of this. Nil when it does not watch.
  public let watchdogInterval: Duration?

  /// Nil when no service manager listens.
  ///
  /// - Throws: `SystemError` with EINVAL if NOTIFY_SOCKET is no address.
  public static func fromEnvironment() throws(SystemError) -> ServiceNotifier? {
    try ServiceNotifier(process: Int(getpid()), environment: EnvironmentVariable.value)
  }

  init?(process: Int, environment: (String) -> String?) throws(SystemError) {
    guard let text = environment("NOTIFY_SOCKET"), !text.isEmpty else { return nil }
    let address =
      switch text.first {
      case "/": UnixAddress(path: text)
      case "@": UnixAddress(abstractName: String(text.dropFirst()))
      default: UnixAddress?.none
      }
    guard let address else { throw SystemError("NOTIFY_SOCKET", "\"\(text)\"", .invalidArgument) }
    self.address = address
    let addressee = environment("WATCHDOG_PID").flatMap { Int($0) } ?? process
    let microseconds = environment("WATCHDOG_USEC").flatMap { Int64($0) } ?? 0
    watchdogInterval = addressee == process && microseconds > 0 ? .microseconds(microseconds) : nil
  }

  /// The daemon serves.
  public func ready(status: String) throws(SystemError) { try send("READY=1\n\(Self.line(status))") }

  /// One line for `systemctl status`.
  public func status(_ text: String) throws(SystemError) { try send(Self.line(text)) }

  /// The daemon reads its configuration anew; `ready` ends it.
  public func reloading() throws(SystemError) {
    var time = timespec()
    try systemCall("clock_gettime", "CLOCK_MONOTONIC") { clock_gettime(CLOCK_MONOTONIC, &time) }
    try send("RELOADING=1\nMONOTONIC_USEC=\(time.tv_sec * 1_000_000 + time.tv_nsec / 1000)")
  }

  /// The daemon is on its way out.
  public func stopping(status: String) throws(SystemError) { try send("STOPPING=1\n\(Self.line(status))") }

  /// Start or stop takes longer: at least this much more, from now.
  public func extendTimeout(by duration: Duration) throws(SystemError) {
    let parts = duration.components
    try send("EXTEND_TIMEOUT_USEC=\(parts.seconds * 1_000_000 + parts.attoseconds / 1_000_000_000_000)")
  }

  /// Still alive.
  public func watchdog() throws(SystemError) { try send("WATCHDOG=1") }

  /// A line break would begin another assignment.
  private static func line(_ status: String) -> String {
    "STATUS=" + String(status.map { $0.isNewline ? " " : $0 })
  }

  private func send(_ message: String) throws(SystemError) {
    let raw = try systemCall("socket", "AF_UNIX datagram") {
      socket(AF_UNIX, CInt(SOCK_DGRAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
    }
    let descriptor = OwnedDescriptor(adopting: raw)
    let bytes = Array(message.utf8)
    try systemCall("sendto", address.description) {
      address.withSockAddr { pointer, length in
        bytes.withUnsafeBytes {
          sendto(descriptor.raw, $0.baseAddress, $0.count, CInt(MSG_NOSIGNAL), pointer, length)
        }
      }
    }
  }
}
