import SystemPackage
import Testing

@testable import LinuxSystem

struct UnixSocketTests {
  private func send(_ text: String, on socket: UnixSocket, _ descriptors: [OwnedDescriptor] = []) throws {
    let bytes = Array(text.utf8)
    try bytes.withUnsafeBytes { try socket.send([$0], descriptors: descriptors) }
  }

  private func receive(_ count: Int, on socket: UnixSocket) throws -> (String, UnixSocket.Received) {
    var buffer = [UInt8](repeating: 0, count: count)
    let received = try buffer.withUnsafeMutableBytes { try socket.receiveMessage(into: $0) }
    return (String(decoding: buffer[..<received.bytes], as: UTF8.self), received)
  }

  @Test("a descriptor that was sent is the same open file, closed on exec")
  func passes() throws {
    let (here, there) = try UnixSocket.pair()
    let file = try OwnedDescriptor.memoryFile("test")
    try Array("content".utf8).withUnsafeBytes { try file.write($0, at: 0) }
    try send("x", on: here, [file])
    let (text, received) = try receive(8, on: there)
    #expect(text == "x" && !received.isCut)
    let passed = try #require(received.descriptors.first)
    #expect(received.descriptors.count == 1 && passed.raw != file.raw)
    #expect(try passed.read(count: 7, at: 0) == Array("content".utf8))
  }

  @Test("one receive never brings the descriptors of two messages")
  func messagesStayApart() throws {
    let (here, there) = try UnixSocket.pair()
    let files = try (0..<3).map { try OwnedDescriptor.memoryFile("\($0)") }
    try send("none", on: here)
    try send("two", on: here, Array(files[..<2]))
    try send("one", on: here, [files[2]])
    var counts: [Int] = []
    var all = ""
    while all.count < 10 {
      let (text, received) = try receive(100, on: there)
      all += text
      if !received.descriptors.isEmpty { counts.append(received.descriptors.count) }
    }
    #expect(all == "nonetwoone")
    #expect(counts == [2, 1])
  }

  @Test("the most descriptors that one message takes")
  func most() throws {
    let (here, there) = try UnixSocket.pair()
    let file = try OwnedDescriptor.memoryFile("test")
    try send("x", on: here, Array(repeating: file, count: UnixSocket.descriptorLimit))
    let (_, received) = try receive(8, on: there)
    #expect(received.descriptors.count == UnixSocket.descriptorLimit)
    #expect(Set(received.descriptors.map(\.raw)).count == UnixSocket.descriptorLimit)
  }

  @Test("sending to one who is gone fails without a signal")
  func brokenPipe() throws {
    let here: UnixSocket
    do {
      let pair = try UnixSocket.pair()
      here = pair.0
    }
    let error = #expect(throws: SystemError.self) { try send("x", on: here) }
    #expect(error?.errno == .brokenPipe)
    #expect(throws: SystemError.self) { try here.sendWithoutWaiting([1]) }
  }

  @Test("a send that makes no progress ends after the timeout; without waiting it ends at once")
  func sendTimeout() throws {
    let (here, there) = try UnixSocket.pair()
    try here.setSendTimeout(.milliseconds(20))
    let much = [UInt8](repeating: 0, count: 1 << 22)
    let error = #expect(throws: SystemError.self) { try much.withUnsafeBytes { try here.send([$0]) } }
    #expect(error?.errno == .resourceTemporarilyUnavailable)
    #expect(try here.sendWithoutWaiting(much) == false)
    withExtendedLifetime(there) {}
  }

  @Test("a wait ends by bytes, by the end, by a wake, or by time")
  func waiting() throws {
    let (here, there) = try UnixSocket.pair()
    let wake = try WakeEvent()
    #expect(try there.waitReadable(or: wake, within: .milliseconds(5)) == .timedOut)
    try send("x", on: here)
    #expect(try there.waitReadable(or: wake, within: nil) == .readable)
    wake.signal()
    #expect(try there.waitReadable(or: wake, within: nil) == .woken)
    #expect(try wake.wait(within: .zero))
    _ = try receive(1, on: there)
    here.shutdown()
    #expect(try there.waitReadable(within: nil) == .readable)
    #expect(try receive(1, on: there).1.bytes == 0)
  }

  @Test("only a listening socket listens; one that does not block has nobody to accept")
  func listening() throws {
    let (pair, _) = try UnixSocket.pair()
    #expect(try !pair.isListening())
    let name = "sluice-test-\(UInt64.random(in: 0 ... .max))"
    let address = try #require(UnixAddress(abstractName: name))
    let listener = try UnixSocket.make()
    try listener.bind(to: address)
    #expect(try !listener.isListening())
    try listener.listen(backlog: 1)
    #expect(try listener.isListening())
    try listener.setBlocking(false)
    #expect(try listener.accept() == nil)
    let client = try UnixSocket.make()
    try client.connect(to: address)
    let accepted = try #require(try listener.accept())
    let peer = try accepted.peerCredentials()
    #expect(peer.user == PeerCredentials.ownUser && peer.process == PeerCredentials.ownProcess)
  }

  @Test("addresses that cannot be are none")
  func addresses() {
    #expect(UnixAddress(path: "") == nil)
    #expect(UnixAddress(path: "a\0b") == nil)
    #expect(UnixAddress(path: String(repeating: "x", count: 107)) != nil)
    #expect(UnixAddress(path: String(repeating: "x", count: 108)) == nil)
    #expect(UnixAddress(abstractName: "") == nil)
    #expect(UnixAddress(abstractName: "name")?.description == "@name")
  }

  @Test("a receiver that may not open as many files is told that some were cut")
  func cut() async {
    // In a process of its own, because the limit is the process's.
    await #expect(processExitsWith: .success) {
      let (here, there) = try UnixSocket.pair()
      let file = try OwnedDescriptor.memoryFile("test")
      let bytes: [UInt8] = [1]
      try bytes.withUnsafeBytes { try here.send([$0], descriptors: Array(repeating: file, count: 100)) }
      try limitDescriptors(to: Int(file.raw) + 11)
      var buffer = [UInt8](repeating: 0, count: 1)
      let received = try buffer.withUnsafeMutableBytes { try there.receiveMessage(into: $0) }
      #expect(received.isCut)
      #expect(received.descriptors.count < 100)
    }
  }
}
