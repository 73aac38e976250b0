import LinuxSystem
import LocalSocket
import SystemPackage
import Testing
import WireProtocol

struct ListenerTests {
  @Test("the socket file has the configured mode and group", arguments: [0o600, 0o660, 0o666] as [UInt32])
  func permissions(_ mode: UInt32) throws {
    let address = ListenerAddress(path: temporaryPath(), mode: mode, group: 0)
    let listener = try Listener.bind(ListenerAddress(path: address.path, mode: mode))
    let permissions = try #require(try SocketFile(path: address.path).permissions())
    #expect(permissions.mode == mode)
    try listener.stop()
  }

  @Test("a group that this user may give away is set", .enabled(if: PeerCredentials.ownUser == 0, "needs root"))
  func group() throws {
    let path = temporaryPath()
    let listener = try Listener.bind(ListenerAddress(path: path, mode: 0o660, group: 4242))
    #expect(try SocketFile(path: path).permissions()?.group == 4242)
    try listener.stop()
  }

  @Test("a dead daemon's socket file is replaced")
  func stale() throws {
    let path = temporaryPath()
    let address = try #require(UnixAddress(path: path))
    do {
      let dead = try UnixSocket.make()
      try dead.bind(to: address)
      try dead.listen(backlog: 1)
    }
    #expect(try SocketFile(path: path).isSocket() == true)
    let daemon = try TestDaemon(path: path)
    var client = try daemon.client()
    #expect(try client.call(HealthRequest()).state == .ready)
    #expect(try daemon.end())
  }

  @Test("a living daemon is left alone")
  func living() throws {
    let daemon = try TestDaemon()
    let error = #expect(throws: LocalSocketError.self) { try Listener.bind(ListenerAddress(path: daemon.path)) }
    #expect(error?.code == .addressInUse)
    var client = try daemon.client()
    #expect(try client.call(HealthRequest()).state == .ready)
    #expect(try daemon.end())
  }

  @Test("a file that is no socket is left alone")
  func occupied() throws {
    let path = temporaryPath()
    let file = try FileDescriptor.open(FilePath(path), .writeOnly, options: .create, permissions: .ownerReadWrite)
    try file.close()
    let error = #expect(throws: LocalSocketError.self) { try Listener.bind(ListenerAddress(path: path)) }
    #expect(error?.code == .configuration)
    #expect(try SocketFile(path: path).isSocket() == false)
    try SocketFile(path: path).remove()
  }

  @Test("paths that cannot be are refused with what would be right")
  func impossiblePaths() {
    for (path, part) in [
      ("/tmp/" + String(repeating: "x", count: 96), "100 are possible"), ("", "1 to 100"),
      ("/nonexistent-directory/s.sock", "does not exist"),
    ] {
      let error = #expect(throws: LocalSocketError.self) { try Listener.bind(ListenerAddress(path: path)) }
      #expect(error?.code == .configuration)
      #expect(error?.message.contains(part) == true)
    }
  }

  @Test("stopping removes the file, but not a successor's")
  func removesOwnFile() throws {
    let first = try TestDaemon()
    // The successor takes the path over as an upgrade would, from a daemon that no longer accepts.
    try SocketFile(path: first.path).remove()
    let second = try TestDaemon(path: first.path)
    #expect(try first.end())
    var client = try second.client()
    #expect(try client.call(HealthRequest()).state == .ready)
    #expect(try second.end())
    #expect(try SocketFile(path: first.path).isSocket() == nil)
  }

  @Test("an activated socket outlives the daemon: clients wait in its queue for the next one")
  func activation() async throws {
    let path = temporaryPath()
    let address = try #require(UnixAddress(path: path))
    let manager = try UnixSocket.make()
    try manager.bind(to: address)
    try manager.listen(backlog: 8)

    func adopt() throws -> TestDaemon {
      let socket = UnixSocket(try manager.descriptor.duplicate())
      return try TestDaemon(listener: Listener.adopt(ActivatedSocket(name: "sluiced", socket: socket)), path: path)
    }
    let first = try adopt()
    var client = try first.client()
    #expect(try client.call(HealthRequest()).state == .ready)
    #expect(try first.end())
    #expect(try SocketFile(path: path).isSocket() == true)

    let early = try ClientConnection.connect(to: path, timeout: .seconds(30))
    try early.send(TestDaemon.hello.frame(request: 1))
    let second = try adopt()
    var buffer = [UInt8](repeating: 0, count: 64)
    #expect(try buffer.withUnsafeMutableBytes { try early.receive(into: $0) } > 0)
    #expect(try second.end())
    try SocketFile(path: path).remove()
  }

  @Test("stop and disconnect wake everyone; afterwards nobody listens")
  func ends() async throws {
    let daemon = try TestDaemon()
    let connections = try (0..<8).map { _ in try ClientConnection.connect(to: daemon.path) }
    #expect(eventually { daemon.listener.count(.full) == 8 })
    #expect(try daemon.end())
    #expect(daemon.listener.count(.full) == 0)
    let error = #expect(throws: LocalSocketError.self) { try ClientConnection.connect(to: daemon.path) }
    #expect(error?.code == .unavailable)
    for connection in connections {
      var byte = [UInt8](repeating: 0, count: 1)
      #expect(try byte.withUnsafeMutableBytes { try connection.receive(into: $0) } == 0)
    }
  }
}
