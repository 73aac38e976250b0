import LinuxSystem
import LocalSocket
import Synchronization
import Testing
import WireProtocol

/// In a process of its own, because it counts all descriptors and threads that there are.
struct AbandonedClientsTests {
  @Test("a thousand clients broken off at any moment leave no thread and no descriptor")
  func thousand() async {
    await #expect(processExitsWith: .success) {
      let seed = UInt64.random(in: 0 ... .max)
      print("AbandonedClientsTests seed \(seed)")
      var random = SystemRandomNumberGenerator()
      let daemon = try TestDaemon(limits: ConnectionLimits(connections: 64, sendTimeout: .seconds(60)))
      try abandon(1, daemon, choice: 5)
      #expect(eventually { daemon.listener.count(.full) == 0 })
      let threads = try count("/proc/self/task")
      let descriptors = try count("/proc/self/fd")
      for number in 0..<1000 {
        try abandon(UInt64(number), daemon, choice: Int.random(in: 0..<7, using: &random))
      }
      #expect(eventually { daemon.listener.connections.isEmpty && daemon.listener.count(.full) == 0 })
      #expect(try eventually { try count("/proc/self/task") <= threads })
      #expect(try count("/proc/self/fd") == descriptors)
      #expect(try daemon.end())
      #expect(try count("/proc/self/fd") <= descriptors)
    }
  }
}

/// One client that goes away without a word, at the moment that `choice` says.
private func abandon(_ number: UInt64, _ daemon: TestDaemon, choice: Int) throws {
  let connection = try ClientConnection.connect(to: daemon.path, timeout: .seconds(30))
  defer { connection.close() }
  let hello = TestDaemon.hello.frame(request: 1)
  switch choice {
  case 0: return  // before hello
  case 1: try connection.send(Array(hello.prefix(1 + Int(number) % (hello.count - 1))))  // amid a frame
  case 2: try connection.send(hello)  // before the answer
  case 3: try connection.send(hello + StatusRequest().frame(request: 2))  // while the daemon sends much
  case 4:  // while descriptors are in flight
    let batch = BatchRequest(session: 1, epoch: 0, first: 0, count: 300)
    try connection.send(hello + batch.frame(request: 2))
  case 5:  // with descriptors received and unread ones behind
    let batch = BatchRequest(session: 1, epoch: 0, first: 0, count: 300)
    try connection.send(hello + batch.frame(request: 2))
    var buffer = [UInt8](repeating: 0, count: 600)
    _ = try buffer.withUnsafeMutableBytes { try connection.receive(into: $0) }
  default:  // after talking nonsense
    try connection.send([UInt8](repeating: UInt8(number % 256), count: 100))
  }
}
