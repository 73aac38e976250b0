import LinuxSystem
import LocalSocket
import Synchronization
import Testing
import WireProtocol

struct ConnectionTests {
  @Test("a stuck reader delays only itself, and its connection ends after the send timeout")
  func stuckReader() throws {
    let daemon = try TestDaemon(limits: ConnectionLimits(sendTimeout: .seconds(2)))
    let stuck = try daemon.client()
    // Far more than the socket's buffers hold, and nobody reads.
    for number in 2..<32 as Range<UInt64> { try stuck.transport.send(StatusRequest().frame(request: number)) }
    var others = try (0..<4).map { _ in try daemon.client() }
    for round in 0..<200 {
      #expect(try others[round % 4].call(HealthRequest()).state == .ready)
    }
    #expect(daemon.listener.count(.full) == 5, "the stuck one is still being waited for")
    #expect(eventually { daemon.listener.count(.full) == 4 })
    stuck.transport.close()
    #expect(try daemon.end())
  }

  @Test("64 clients at once, each gets its own answers")
  func manyClients() async throws {
    let daemon = try TestDaemon()
    let answers = try await withThrowingTaskGroup(of: Int.self) { group in
      for _ in 0..<64 { group.addTask { try await onThread { try Self.ask(daemon, rounds: 20) } } }
      return try await group.reduce(0, +)
    }
    #expect(answers == 64 * 20)
    #expect(try daemon.end())
  }

  /// Asks and asks again, pipelined; answers how many long replies came whole.
  private static func ask(_ daemon: TestDaemon, rounds: Int) throws -> Int {
    var client = try daemon.client()
    var whole = 0
    for _ in 0..<rounds {
      let first = try client.send(HealthRequest())
      let second = try client.send(StatusRequest())
      _ = try client.receive(answerTo: HealthRequest(), number: first)
      let status = try client.receive(answerTo: StatusRequest(), number: second)
      if status.document.utf8.count == TestDaemon.statusBytes { whole += 1 }
    }
    return whole
  }

  @Test("thousands of parts go out in order")
  func gathers() async throws {
    let numbers = (0..<5000).map(UInt32.init)
    let daemon = try OneConnection { connection in
      try numbers.withUnsafeBytes { bytes in
        let parts = (0..<numbers.count).map { UnsafeRawBufferPointer(rebasing: bytes[($0 * 4)..<($0 * 4 + 4)]) }
        try connection.send(parts)
      }
    }
    let client = try ClientConnection.connect(to: daemon.path, timeout: .seconds(30))
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 777)
    while true {
      let count = try buffer.withUnsafeMutableBytes { try client.receive(into: $0) }
      if count == 0 { break }
      received += buffer[..<count]
    }
    #expect(received == numbers.withUnsafeBytes { Array($0) })
    #expect(try daemon.end() == nil)
  }

  @Test("cancelling wakes a thread that waits to receive")
  func cancelReceive() throws {
    let daemon = try OneConnection { connection in
      var byte = [UInt8](repeating: 0, count: 1)
      let count = try byte.withUnsafeMutableBytes { try connection.receive(into: $0) }
      if count != 0 { throw LocalSocketError(.system, "received \(count) bytes") }
    }
    let client = try ClientConnection.connect(to: daemon.path)
    #expect(eventually { daemon.listener.connections.count == 1 })
    daemon.listener.connections.first?.cancel()
    #expect(try daemon.end() == nil)
    client.close()
  }

  @Test("cancelling wakes a thread that waits to send")
  func cancelSend() throws {
    let daemon = try OneConnection { connection in
      try connection.send([UInt8](repeating: 0, count: 64 << 20))
    }
    let client = try ClientConnection.connect(to: daemon.path)
    var byte = [UInt8](repeating: 0, count: 1)
    _ = try byte.withUnsafeMutableBytes { try client.receive(into: $0) }
    daemon.listener.connections.first?.cancel()
    #expect(try daemon.end() == .closed)
  }

  @Test("a receive with a limit gives up after it")
  func receiveTimeout() throws {
    let daemon = try OneConnection { connection in
      var byte = [UInt8](repeating: 0, count: 1)
      _ = try byte.withUnsafeMutableBytes { try connection.receive(into: $0, within: .milliseconds(20)) }
    }
    let client = try ClientConnection.connect(to: daemon.path)
    #expect(eventually { daemon.outcome != nil })
    #expect(try daemon.end() == .timedOut)
    client.close()
  }

  @Test("a closed connection says so, whoever still holds it")
  func closed() throws {
    let kept = Mutex<Connection?>(nil)
    let daemon = try OneConnection { connection in kept.withLock { $0 = connection } }
    let client = try ClientConnection.connect(to: daemon.path)
    #expect(eventually { daemon.outcome != nil })
    #expect(try daemon.end() == nil)
    let error = #expect(throws: LocalSocketError.self) { try kept.withLock { $0 }?.send([1]) }
    #expect(error?.code == .closed)
    client.close()
  }
}

/// A daemon that does one thing with its one connection and keeps how that ended.
private final class OneConnection: Sendable {
  enum Outcome {
    case done
    case failed(LocalSocketError.Code)
  }

  let path = temporaryPath()
  let listener: Listener
  private let result: Mutex<Outcome?>

  var outcome: Outcome? { result.withLock { $0 } }

  init(_ body: @escaping @Sendable (Connection) throws -> Void) throws {
    listener = try Listener.bind(ListenerAddress(path: path))
    result = Mutex(nil)
    let policy = ConnectionPolicy(farewell: TestDaemon.farewell) { [weak self] connection in
      do {
        try body(connection)
        self?.result.withLock { $0 = .done }
      } catch {
        self?.result.withLock { $0 = .failed((error as? LocalSocketError)?.code ?? .system) }
      }
    }
    try listener.start(policy)
  }

  /// Stops, waits for the connection's thread, and says with which error it ended; nil for none.
  func end() throws -> LocalSocketError.Code? {
    let isIdle = listener.waitUntilIdle(within: .seconds(30))
    try listener.stop()
    #expect(isIdle)
    switch outcome {
    case .failed(let code): return code
    case .done: return nil
    case nil:
      Issue.record("the connection was never served")
      return .system
    }
  }
}
