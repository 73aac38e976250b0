import SystemPackage
import Testing

@testable import LinuxSystem

struct SocketActivationTests {
  private func announced(_ environment: [String: String]) throws -> [String] {
    try ActivatedSocket.announced(process: 7, environment: { environment[$0] })
  }

  @Test("descriptors are ours only if they name this process")
  func addressee() throws {
    #expect(try announced([:]).isEmpty)
    #expect(try announced(["LISTEN_PID": "8", "LISTEN_FDS": "1"]).isEmpty)
    #expect(try announced(["LISTEN_PID": "7", "LISTEN_FDS": "0"]).isEmpty)
    #expect(try announced(["LISTEN_PID": "7", "LISTEN_FDS": "2"]) == ["unknown", "unknown"])
  }

  @Test("names belong to the descriptors in their order")
  func names() throws {
    let two = ["LISTEN_PID": "7", "LISTEN_FDS": "2"]
    #expect(try announced(two.merging(["LISTEN_FDNAMES": "a:b"]) { $1 }) == ["a", "b"])
    #expect(try announced(two.merging(["LISTEN_FDNAMES": ":b:c"]) { $1 }) == ["unknown", "b"])
    #expect(try announced(two.merging(["LISTEN_FDNAMES": "a"]) { $1 }) == ["a", "unknown"])
  }

  @Test("a count that cannot be is an error", arguments: ["-1", "65", "many", ""])
  func impossibleCounts(_ text: String) {
    let error = #expect(throws: SystemError.self) { try announced(["LISTEN_PID": "7", "LISTEN_FDS": text]) }
    #expect(error?.errno == .invalidArgument)
  }

  @Test("only a listening socket is taken over")
  func adopts() throws {
    let (connected, _) = try UnixSocket.pair()
    let copy = try connected.descriptor.duplicate()
    // `adopt` owns what it is given, so it gets a number of its own.
    let error = #expect(throws: SystemError.self) { try ActivatedSocket.adopt(copy.released(), name: "x") }
    #expect(error?.errno == .invalidArgument)
    let closed = #expect(throws: SystemError.self) { try ActivatedSocket.adopt(1_000_000, name: "x") }
    #expect(closed?.errno == .badFileDescriptor)

    let listener = try UnixSocket.make()
    try listener.bind(to: #require(UnixAddress(abstractName: "sluice-\(UInt64.random(in: 0 ... .max))")))
    try listener.listen(backlog: 1)
    let adopted = try ActivatedSocket.adopt(listener.descriptor.duplicate().released(), name: "sluiced")
    #expect(adopted.name == "sluiced")
    #expect(try adopted.socket.isListening())
  }
}

extension OwnedDescriptor {
  /// Another number of the same open file, which nobody owns yet.
  fileprivate func released() throws -> CInt { try descriptor.duplicate().rawValue }
}
