import Testing
import WireProtocol

struct ReplyParserTests {
  private static func conversation() throws -> (bytes: [UInt8], replies: [Reply]) {
    (try goldenReplies.flatMap { try GoldenFiles.frame($0.name) }, goldenReplies.map(\.payload))
  }

  @Test("however many bytes come at a time", arguments: [1, 2, 3, 7, 15, 16, 17, 64, 4096])
  func steps(_ step: Int) throws {
    let (bytes, replies) = try Self.conversation()
    var parser = ReplyParser()
    #expect(try parser.feed(bytes, step: step).map(\.reply) == replies)
    #expect(parser.isBetweenFrames)
  }

  @Test("replies cut anywhere into two are the same")
  func splitAnywhere() throws {
    let (bytes, replies) = try Self.conversation()
    for cut in 0...bytes.count {
      var parser = ReplyParser()
      var decoded = try parser.feed(bytes[..<cut])
      decoded += try parser.feed(bytes[cut...])
      try #require(decoded.map(\.reply) == replies, "cut at \(cut)")
    }
  }

  @Test("a payload one byte longer or shorter than its fields is malformed", arguments: goldenReplies)
  func wrongLength(_ golden: Golden<Reply>) throws {
    let frame = try GoldenFiles.frame(golden.name)
    for change in [-1, 1] {
      let payload = frame.count - FrameHeader.byteCount + change
      guard payload >= 0 else { continue }
      var bytes = Array((frame + [0]).prefix(FrameHeader.byteCount + payload))
      withUnsafeBytes(of: UInt32(payload).littleEndian) { bytes.replaceSubrange(0..<4, with: $0) }
      var parser = ReplyParser()
      let error = #expect(throws: WireError.self) { try parser.feed(bytes) }
      #expect(error?.code == .malformed)
    }
  }

  @Test("the daemon's own limit holds, and a long reply between short ones comes whole")
  func lengths() throws {
    let short = HealthReply(state: .ready, detail: "").frame(request: 1)
    let document = String(repeating: "x", count: 3_000_000)
    let long = StatusReply(document: document).frame(request: 2)
    var parser = ReplyParser(maxReplyBytes: document.utf8.count + 4)
    let decoded = try parser.feed(short + long + short, step: 70_000)
    #expect(decoded.map(\.number) == [1, 2, 1])
    #expect(decoded[1].reply == .status(StatusReply(document: document)))

    parser.maxReplyBytes -= 1
    #expect(throws: WireError.tooLong(bytes: document.utf8.count + 4, limit: document.utf8.count + 3)) {
      try parser.feed(long)
    }
  }
}
