import LinuxSystem
import SystemPackage

/// Where a listener's socket file is, and who may connect to it.
public struct ListenerAddress: Hashable, Sendable {
  /// Absolute path, at most 100 bytes: the socket is made under a longer name and moved here once it is ready.
  public var path: String
  /// Permission bits; connecting needs write permission.
  public var mode: UInt32
  /// Group id of the file; nil leaves the daemon's.
  public var group: UInt32?

  /// Bytes `path` may have.
  public static let pathLimit = 100

  public init(path: String, mode: UInt32 = 0o660, group: UInt32? = nil) {
    self.path = path
    self.mode = mode
    self.group = group
  }

  /// Makes the listening socket.
  ///
  /// It is bound under a name of its own, given its mode and group, listens, and only then takes the path: at no moment
  /// can a client reach it with other permissions, or find it at the path and be refused.
  func bind(backlog: Int) throws(LocalSocketError) -> (UnixSocket, SocketFile.Identity?) {
    let file = SocketFile(path: path)
    // The process's id keeps two daemons that start at once from each other's file.
    let temporary = SocketFile(path: "\(path).\(String(PeerCredentials.ownProcess, radix: 36))")
    guard path.utf8.count <= Self.pathLimit, let address = UnixAddress(path: path),
      let temporaryAddress = UnixAddress(path: temporary.path)
    else {
      throw LocalSocketError(
        .configuration, "socket path \"\(path)\" has \(path.utf8.count) bytes; from 1 to \(Self.pathLimit) are possible"
      )
    }
    do throws(SystemError) {
      try refuseOccupied(file, address)
      try temporary.remove()
      do throws(SystemError) {
        return try prepare(temporary, temporaryAddress, backlog: backlog, movingTo: file)
      } catch {
        try temporary.remove()
        throw error
      }
    } catch {
      throw explain(error)
    }
  }

  private func prepare(
    _ temporary: SocketFile, _ temporaryAddress: UnixAddress, backlog: Int, movingTo file: SocketFile
  ) throws(SystemError) -> (UnixSocket, SocketFile.Identity?) {
    let socket = try UnixSocket.make()
    try socket.bind(to: temporaryAddress)
    try temporary.setMode(mode)
    if let group { try temporary.setGroup(group) }
    try socket.listen(backlog: backlog)
    let identity = try temporary.identity()
    try temporary.move(to: file)
    return (socket, identity)
  }

  /// A living daemon at the path, or a file that is no socket, must not be displaced; a dead daemon's socket may.
  private func refuseOccupied(_ file: SocketFile, _ address: UnixAddress) throws(SystemError) {
    guard let isSocket = try file.isSocket() else { return }
    guard isSocket else { throw SystemError("bind", path, .fileExists) }
    let probe = try UnixSocket.make()
    try probe.setBlocking(false)
    do throws(SystemError) {
      try probe.connect(to: address)
    } catch  where error.errno == .connectionRefused || error.errno == .noSuchFileOrDirectory {
      return
    } catch  where error.errno == .resourceTemporarilyUnavailable {
      // Its queue is full, so somebody listens.
    }
    throw SystemError("bind", path, .addressInUse)
  }

  private func explain(_ error: SystemError) -> LocalSocketError {
    switch error.errno {
    case .addressInUse:
      LocalSocketError(.addressInUse, "another daemon listens at \(path)", cause: error)
    case .fileExists:
      LocalSocketError(
        .configuration, "\(path) exists and is not a socket; remove it or choose another path", cause: error)
    case .noSuchFileOrDirectory, .notDirectory:
      LocalSocketError(.configuration, "the directory of socket \(path) does not exist", cause: error)
    case .permissionDenied, .notPermitted, .readOnlyFileSystem:
      LocalSocketError(
        .configuration,
        "this user may not make socket \(path) with mode 0\(String(mode, radix: 8))"
          + (group.map { " and group \($0), of which it must be a member" } ?? ""), cause: error)
    case _ where error.isOutOfDescriptors:
      LocalSocketError(.exhausted, "no descriptor left for socket \(path)", cause: error)
    default: LocalSocketError(.system, "cannot make socket \(path)", cause: error)
    }
  }
}
