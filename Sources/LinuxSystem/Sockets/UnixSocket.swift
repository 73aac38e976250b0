internal import CLinux
import Glibc
import SystemPackage

/// A Unix domain stream socket, closed when nobody holds it any more.
///
/// Its calls block, so they belong on a thread of one's own and never on the cooperative pool.
public struct UnixSocket: Sendable {
  /// The descriptor underneath.
  public let descriptor: OwnedDescriptor

  /// Takes up a socket that is already open.
  public init(_ descriptor: OwnedDescriptor) { self.descriptor = descriptor }

  /// A fresh socket, closed on exec.
  public static func make() throws(SystemError) -> UnixSocket {
    UnixSocket(
      OwnedDescriptor(
        adopting: try systemCall("socket", "AF_UNIX") {
          socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        }))
  }

  /// Two sockets joined to each other.
  public static func pair() throws(SystemError) -> (UnixSocket, UnixSocket) {
    var ends: (CInt, CInt) = (-1, -1)
    try systemCall("socketpair", "AF_UNIX") {
      withUnsafeMutablePointer(to: &ends) { pointer in
        pointer.withMemoryRebound(to: CInt.self, capacity: 2) {
          socketpair(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0, $0)
        }
      }
    }
    return (UnixSocket(OwnedDescriptor(adopting: ends.0)), UnixSocket(OwnedDescriptor(adopting: ends.1)))
  }

  /// Connects; a listener whose queue is full is waited for as long as `setSendTimeout` says.
  public func connect(to address: UnixAddress) throws(SystemError) {
    try systemCall("connect", address.description) {
      address.withSockAddr { Glibc.connect(descriptor.raw, $0, $1) }
    }
  }

  /// Gives the socket its address; for a path this creates the socket file.
  public func bind(to address: UnixAddress) throws(SystemError) {
    try systemCall("bind", address.description) {
      address.withSockAddr { Glibc.bind(descriptor.raw, $0, $1) }
    }
  }

  /// Lets clients connect; `backlog` may wait to be accepted.
  public func listen(backlog: Int) throws(SystemError) {
    try systemCall("listen", "descriptor \(descriptor.raw)") {
      Glibc.listen(descriptor.raw, CInt(clamping: backlog))
    }
  }

  /// The next client, or nil if none waits (on a socket that does not block) or it has gone again.
  public func accept() throws(SystemError) -> UnixSocket? {
    do throws(SystemError) {
      let raw = try systemCall("accept4", "descriptor \(descriptor.raw)") { sluice_accept(descriptor.raw) }
      return UnixSocket(OwnedDescriptor(adopting: raw))
    } catch  where error.errno == .resourceTemporarilyUnavailable || error.errno == .connectionAbort {
      return nil
    }
  }

  /// The path that the socket is bound to; nil for one without a path.
  public var path: String? {
    var address = sockaddr_un()
    var length = socklen_t(MemoryLayout<sockaddr_un>.size)
    let status = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor.raw, $0, &length) }
    }
    guard status == 0, address.sun_family == sa_family_t(AF_UNIX) else { return nil }
    let bytes = withUnsafeBytes(of: address.sun_path) { Array($0.prefix { $0 != 0 }) }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }

  /// True for a Unix domain stream socket that listens: what socket activation must have passed.
  public func isListening() throws(SystemError) -> Bool {
    let domain = try option(SO_DOMAIN, "SO_DOMAIN")
    let type = try option(SO_TYPE, "SO_TYPE")
    let listens = try option(SO_ACCEPTCONN, "SO_ACCEPTCONN")
    return domain == AF_UNIX && type == CInt(SOCK_STREAM.rawValue) && listens == 1
  }

  /// Ends the connection in both directions: whoever is blocked on it, on any thread or at the other end, wakes up.
  /// The descriptor stays open. A connection that is gone already is no error.
  public func shutdown() {
    _ = Glibc.shutdown(descriptor.raw, CInt(SHUT_RDWR))
  }

  private func option(_ name: CInt, _ text: String) throws(SystemError) -> CInt {
    var value: CInt = 0
    var length = socklen_t(MemoryLayout<CInt>.size)
    try systemCall("getsockopt(\(text))", "descriptor \(descriptor.raw)") {
      getsockopt(descriptor.raw, SOL_SOCKET, name, &value, &length)
    }
    return value
  }
}
