import LinuxSystem
import LocalSocket
import Testing
import WireProtocol

extension ClientConnection: FrameTransport {}

struct ClientConnectionTests {
  @Test("where nobody listens the daemon is unavailable: worth another try")
  func unavailable() throws {
    let path = temporaryPath()
    let missing = #expect(throws: LocalSocketError.self) { try ClientConnection.connect(to: path) }
    #expect(missing?.code == .unavailable)
    do {
      let dead = try UnixSocket.make()
      try dead.bind(to: #require(UnixAddress(path: path)))
    }
    let refused = #expect(throws: LocalSocketError.self) { try ClientConnection.connect(to: path) }
    #expect(refused?.code == .unavailable)
    try SocketFile(path: path).remove()
  }

  @Test("a path that cannot be is a matter of configuration")
  func configuration() {
    for path in ["", String(repeating: "x", count: 108), "/dev/null/x"] {
      let error = #expect(throws: LocalSocketError.self) { try ClientConnection.connect(to: path) }
      #expect(error?.code == .configuration)
    }
  }

  @Test("a daemon whose queue is full is waited for as long as allowed")
  func fullQueue() throws {
    let path = temporaryPath()
    let listener = try UnixSocket.make()
    try listener.bind(to: #require(UnixAddress(path: path)))
    try listener.listen(backlog: 0)
    var waiting: [ClientConnection] = []
    let error = #expect(throws: LocalSocketError.self) {
      for _ in 0..<16 { waiting.append(try ClientConnection.connect(to: path, within: .milliseconds(30))) }
    }
    #expect(error?.code == .timedOut)
    #expect(!waiting.isEmpty)
    try SocketFile(path: path).remove()
  }

  @Test("a silent daemon is waited for as long as allowed")
  func silent() throws {
    let path = temporaryPath()
    let listener = try UnixSocket.make()
    try listener.bind(to: #require(UnixAddress(path: path)))
    try listener.listen(backlog: 4)
    let error = #expect(throws: WireClientError.self) { try TestDaemon.client(path, timeout: .milliseconds(30)) }
    guard case .transport(let cause as LocalSocketError) = error else {
      Issue.record("not the transport's error: \(String(describing: error))")
      return
    }
    #expect(cause.code == .timedOut)
    try SocketFile(path: path).remove()
  }

  @Test("closing wakes a thread that waits for the daemon")
  func closeWakes() async throws {
    let daemon = try TestDaemon()
    let connection = try ClientConnection.connect(to: daemon.path)
    async let ended = onThread { () -> Int in
      var byte = [UInt8](repeating: 0, count: 1)
      return try byte.withUnsafeMutableBytes { try connection.receive(into: $0) }
    }
    #expect(eventually { daemon.listener.count(.full) == 1 })
    connection.close()
    // Closed before or while it waited: the end, or an error that says so.
    do {
      #expect(try await ended == 0)
    } catch let error as LocalSocketError {
      #expect(error.code == .closed)
    }
    #expect(try daemon.end())
  }
}
