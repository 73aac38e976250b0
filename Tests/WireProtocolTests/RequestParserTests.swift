import Testing
import WireProtocol

struct RequestParserTests {
  private static let hello = HelloRequest(capabilities: [], process: 1, client: "test")

  /// Hello and then every other golden request, as one run of bytes.
  private static func conversation() throws -> (bytes: [UInt8], requests: [Request]) {
    let goldens = goldenRequests.filter { $0.name != "request-hello-longest-name" }
    return (try goldens.flatMap { try GoldenFiles.frame($0.name) }, goldens.map(\.payload))
  }

  @Test("a conversation cut anywhere into two gives the same requests")
  func splitAnywhere() throws {
    let (bytes, requests) = try Self.conversation()
    for cut in 0...bytes.count {
      var parser = RequestParser()
      var decoded = try parser.feed(bytes[..<cut])
      decoded += try parser.feed(bytes[cut...])
      try #require(decoded.map(\.request) == requests, "cut at \(cut)")
    }
  }

  @Test("however many bytes come at a time", arguments: [1, 2, 3, 7, 15, 16, 17, 64, 4096])
  func steps(_ step: Int) throws {
    let (bytes, requests) = try Self.conversation()
    var parser = RequestParser()
    #expect(try parser.feed(bytes, step: step).map(\.request) == requests)
    #expect(parser.isBetweenFrames)
  }

  @Test("a frame cut short waits, and gives nothing", arguments: goldenRequests)
  func cutShort(_ golden: Golden<Request>) throws {
    let frame = try GoldenFiles.frame(golden.name)
    for length in 0..<frame.count {
      var parser = RequestParser()
      if !golden.name.hasPrefix("request-hello") { _ = try parser.feed(Self.hello.frame(request: 1)) }
      #expect(try parser.feed(frame[..<length]).isEmpty)
      #expect(parser.isBetweenFrames == (length == 0))
    }
  }

  @Test("a payload one byte longer or shorter than its fields is malformed", arguments: goldenRequests)
  func wrongLength(_ golden: Golden<Request>) throws {
    let frame = try GoldenFiles.frame(golden.name)
    for change in [-1, 1] {
      let payload = frame.count - FrameHeader.byteCount + change
      guard payload >= 0 else { continue }
      var bytes = Array((frame + [0]).prefix(FrameHeader.byteCount + payload))
      withUnsafeBytes(of: UInt32(payload).littleEndian) { bytes.replaceSubrange(0..<4, with: $0) }
      var parser = RequestParser()
      if !golden.name.hasPrefix("request-hello") { _ = try parser.feed(Self.hello.frame(request: 1)) }
      let error = #expect(throws: WireError.self) { try parser.feed(bytes) }
      #expect(error?.code == .malformed)
    }
  }

  @Test("a frame of the greatest length passes; a header over it is refused before its payload comes")
  func greatestLength() throws {
    let rest = 4 + 1 + 4
    let ids = [Int64](repeating: 7, count: (ProtocolLimits.requestBytes - rest) / 8)
    let request = SampleRequest(session: 1, ids: ids)
    var parser = RequestParser()
    _ = try parser.feed(Self.hello.frame(request: 1))
    let decoded = try parser.feed(request.frame(request: 2), step: 100_000)
    #expect(decoded.map(\.request) == [.sample(request)])

    var header = SampleRequest(session: 1, ids: ids + [0]).frame(request: 3)
    header.removeSubrange(FrameHeader.byteCount...)
    let error = #expect(throws: WireError.self) { try parser.feed(header) }
    #expect(error?.code == .tooLong)
    #expect(parser.lastNumber == 3)
  }

  @Test("after an error nothing more comes out")
  func failsForGood() throws {
    var parser = RequestParser()
    let first = #expect(throws: WireError.self) { try parser.feed(HealthRequest().frame(request: 1)) }
    let second = #expect(throws: WireError.self) { try parser.feed(Self.hello.frame(request: 2)) }
    #expect(first == .helloExpected(kind: 10))
    #expect(second == first)
  }

  @Test("a list's count is held against the bytes that are there")
  func countsBeforeAllocating() throws {
    for count in [2, 1 << 20, 1 << 31, UInt32.max] {
      var frame = SampleRequest(session: 1, ids: [1]).frame(request: 2)
      withUnsafeBytes(of: count.littleEndian) { frame.replaceSubrange(21..<25, with: $0) }
      var parser = RequestParser()
      _ = try parser.feed(Self.hello.frame(request: 1))
      #expect(throws: WireError.truncated(field: "ids", needed: Int(count) * 8, left: 8)) { try parser.feed(frame) }
    }
  }
}
