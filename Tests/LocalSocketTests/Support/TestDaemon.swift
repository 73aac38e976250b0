import LinuxSystem
import LocalSocket
import Synchronization
import WireProtocol

/// A daemon without data: it speaks the protocol over real sockets and answers what these tests ask.
///
/// - health: ready. status: a document of 64 KiB. batch: `count` files, each holding its own number.
/// - any other request: error 40 on a probe's connection, else a close reply.
final class TestDaemon: Sendable {
  static let statusBytes = 64 << 10

  let path: String
  let listener: Listener
  private let events = Mutex<[ConnectionPolicy.Event]>([])

  init(
    limits: ConnectionLimits = ConnectionLimits(), listener: Listener? = nil, path: String = temporaryPath(),
    refuse: @escaping @Sendable (PeerCredentials) -> String? = { _ in nil }
  ) throws {
    self.path = path
    self.listener = try listener ?? Listener.bind(ListenerAddress(path: path), limits: limits)
    let policy = ConnectionPolicy(
      refuse: refuse, farewell: Self.farewell,
      observe: { [weak self] event in self?.events.withLock { $0.append(event) } }, serve: Self.serve)
    try self.listener.start(policy)
  }

  var refusals: [Refusal] {
    events.withLock { $0 }.compactMap { if case .refused(_, let refusal) = $0 { refusal } else { nil } }
  }

  /// Ends everything; true if no connection's thread is left.
  func end() throws -> Bool {
    try listener.stop()
    listener.disconnect()
    return listener.waitUntilIdle(within: .seconds(30))
  }

  /// Connects and says hello.
  func client(timeout: Duration? = .seconds(30)) throws -> WireClient<ClientConnection> {
    try Self.client(path, timeout: timeout)
  }

  static func client(_ path: String, timeout: Duration? = .seconds(30)) throws -> WireClient<ClientConnection> {
    try WireClient(ClientConnection.connect(to: path, timeout: timeout), hello: hello)
  }

  private static let document = String(repeating: "x", count: statusBytes)

  static let hello = HelloRequest(capabilities: .descriptors, process: 0, client: "LocalSocketTests")

  static func farewell(_ refusal: Refusal) -> [UInt8] {
    switch refusal {
    case .tooManyConnections(let limit):
      ErrorReply(.tooManyConnections, retry: .after(milliseconds: 100), message: "at most \(limit)").frame(request: 0)
    case .notPermitted(let reason): ErrorReply(.notPermitted, message: reason).frame(request: 0)
    case .exhausted(let cause):
      ErrorReply(.tooManyConnections, retry: .after(milliseconds: 100), message: "\(cause)").frame(request: 0)
    }
  }

  @Sendable static func serve(_ connection: Connection) {
    var parser = RequestParser()
    do {
      while true {
        while let next = try parser.next() { try answer(next, connection) }
        let patience: Duration? = parser.isBetweenFrames ? nil : .seconds(30)
        let count = try parser.fill { buffer throws(LocalSocketError) in
          try connection.receive(into: buffer, within: patience)
        }
        if count == 0 { return }
      }
    } catch {
      // The client is gone, or talks nonsense: either way its connection ends.
    }
  }

  private static func answer(_ next: RequestParser.Numbered, _ connection: Connection) throws {
    switch next.request {
    case .hello:
      let reply = HelloReply(
        version: 1, capabilities: .descriptors, maxReplyBytes: 1 << 28, maxPipelined: 16, daemon: "test",
        instance: "1")
      try connection.send(reply.frame(request: next.number))
    case .health: try connection.send(HealthReply(state: .ready, detail: "").frame(request: next.number))
    case .status:
      try connection.send(StatusReply(document: document).frame(request: next.number))
    case .batch(let batch): try sendFiles(Int(batch.count), next.number, connection)
    case .dropped: return
    default:
      let isProbe = connection.admission == .probeOnly
      let error = ErrorReply(.tooManyConnections, message: "only health is answered now")
      try connection.send(isProbe ? error.frame(request: next.number) : CloseReply().frame(request: next.number))
    }
  }

  /// File i holds the four bytes of i.
  private static func sendFiles(_ count: Int, _ number: UInt64, _ connection: Connection) throws {
    let handles = (0..<UInt32(count)).map { $0 + 1 }
    for start in stride(from: 0, to: count, by: UnixSocket.descriptorLimit) {
      let part = Array(handles[start..<min(count, start + UnixSocket.descriptorLimit)])
      let files = try part.map { handle in
        let file = try OwnedDescriptor.memoryFile("test")
        try withUnsafeBytes(of: handle.littleEndian) { try file.write($0, at: 0) }
        return file
      }
      try connection.send(
        DescriptorsNotice(handles: part).frame(request: number, descriptors: part.count), descriptors: files)
    }
    let column = [UInt32](repeating: 0, count: count)
    let reply = BatchReply(
      epoch: 0, first: 0,
      columns: BatchColumns(
        counts: [UInt32(count)], ids: handles.map(Int64.init), streams: column, shards: column, indices: column,
        schemas: column),
      body: .files(
        BatchReply.FileColumns(
          handles: handles, offsets: handles.map { _ in 0 }, lengths: handles.map { _ in 4 }, drops: handles)))
    try connection.send(reply.frame(request: number))
  }
}

/// A path for a socket that no other test uses.
func temporaryPath() -> String {
  let folder = EnvironmentVariable.value("TMPDIR") ?? "/tmp"
  return "\(folder)/sluice-\(String(UInt64.random(in: 0 ... .max), radix: 36)).sock"
}

/// How many entries a folder of /proc has: open descriptors, threads.
func count(_ folder: String) throws -> Int { try Directory(path: folder).entries().count }

/// Waits until `condition` holds: for what the kernel finishes in its own time. False after half a minute.
func eventually(_ condition: () throws -> Bool) rethrows -> Bool {
  let deadline = ContinuousClock().now + .seconds(30)
  while ContinuousClock().now < deadline {
    if try condition() { return true }
    SystemThread.yield()
  }
  return false
}

/// Runs `body` on a thread of its own, so that it may block, and gives its result.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    do {
      try SystemThread.start("test") { continuation.resume(with: Result { try body() }) }
    } catch {
      continuation.resume(throwing: error)
    }
  }
}
