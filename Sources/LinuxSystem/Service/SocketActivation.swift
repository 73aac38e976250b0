import Glibc
import SystemPackage

/// Listening sockets that the service manager opened for us (sd_listen_fds(3)): clients that connect while the daemon
/// restarts wait in their queue instead of being refused.
public struct ActivatedSocket: Sendable {
  /// `FileDescriptorName=` of the socket unit, or "unknown".
  public let name: String
  public let socket: UnixSocket

  /// A socket that listens already.
  public init(name: String, socket: UnixSocket) {
    self.name = name
    self.socket = socket
  }

  /// The first descriptor that the service manager passes.
  private static let firstDescriptor: CInt = 3
  /// More cannot be meant.
  private static let limit = 64

  /// Takes the sockets over, and the variables that announced them out of the environment, so that a second call finds
  /// none. To be called once, before other threads run.
  ///
  /// - Throws: `SystemError` with EBADF if an announced descriptor is not open, EINVAL if it is not a listening Unix
  ///   stream socket or the count is not a number from 0 to 64.
  public static func takeAll() throws(SystemError) -> [ActivatedSocket] {
    let announced = try announced(process: Int(getpid()), environment: EnvironmentVariable.value)
    for name in ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"] { EnvironmentVariable.remove(name) }
    var sockets: [ActivatedSocket] = []
    for (index, name) in announced.enumerated() {
      sockets.append(try adopt(firstDescriptor + CInt(index), name: name))
    }
    return sockets
  }

  /// The names of the descriptors that `environment` announces to `process`; none when it speaks to another.
  static func announced(
    process: Int, environment: (String) -> String?
  ) throws(SystemError) -> [String] {
    guard let addressee = environment("LISTEN_PID"), let text = environment("LISTEN_FDS") else { return [] }
    guard Int(addressee) == process else { return [] }
    guard let count = Int(text), (0...limit).contains(count) else {
      throw SystemError("LISTEN_FDS", "\"\(text)\", of which 0 to \(limit) are possible", .invalidArgument)
    }
    let names = environment("LISTEN_FDNAMES")?.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    return (0..<count).map { index in
      guard let names, index < names.count, !names[index].isEmpty else { return "unknown" }
      return names[index]
    }
  }

  /// Takes over one descriptor that must be a listening Unix stream socket.
  static func adopt(_ raw: CInt, name: String) throws(SystemError) -> ActivatedSocket {
    try systemCall("fcntl(F_SETFD)", "activated socket \(name)") { fcntl(raw, F_SETFD, FD_CLOEXEC) }
    let socket = UnixSocket(OwnedDescriptor(adopting: raw))
    guard try socket.isListening() else {
      throw SystemError("adopt", "activated socket \(name): not a listening Unix stream socket", .invalidArgument)
    }
    return ActivatedSocket(name: name, socket: socket)
  }
}
