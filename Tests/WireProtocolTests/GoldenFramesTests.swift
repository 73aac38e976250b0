import Testing
import WireProtocol

/// Both directions of every frame against files that an encoder of its own wrote.
struct GoldenFramesTests {
  @Test("every golden frame has its Swift value")
  func complete() throws {
    let named = Set(goldenRequests.map(\.name) + goldenReplies.map(\.name))
    #expect(named == Set(try GoldenFiles.names()))
    #expect(try GoldenFiles.refused().count == 25)
  }

  @Test("every kind of frame is among them")
  func everyKind() {
    let kinds = Set(goldenRequests.map(\.payload.payload.kind) + goldenReplies.map(\.payload.payload.kind))
    #expect(kinds == Set(FrameKind.allCases))
  }

  @Test(arguments: goldenRequests)
  func requestEncodes(_ golden: Golden<Request>) throws {
    #expect(golden.payload.payload.frame(request: golden.number) == (try GoldenFiles.frame(golden.name)))
  }

  @Test(arguments: goldenRequests)
  func requestDecodes(_ golden: Golden<Request>) throws {
    var parser = RequestParser()
    let isHello = golden.name.hasPrefix("request-hello")
    if !isHello { #expect(try parser.feed(GoldenFiles.frame("request-hello")).count == 1) }
    let decoded = try parser.feed(GoldenFiles.frame(golden.name))
    #expect(decoded.map(\.request) == [golden.payload])
    #expect(decoded.map(\.number) == [golden.number])
    #expect(parser.isBetweenFrames)
  }

  @Test(arguments: goldenReplies)
  func replyEncodes(_ golden: Golden<Reply>) throws {
    var descriptors = 0
    if case .descriptors(let notice) = golden.payload { descriptors = notice.handles.count }
    let frame = golden.payload.payload.frame(request: golden.number, descriptors: descriptors)
    #expect(frame == (try GoldenFiles.frame(golden.name)))
  }

  @Test(arguments: goldenReplies)
  func replyDecodes(_ golden: Golden<Reply>) throws {
    var parser = ReplyParser()
    let decoded = try parser.feed(GoldenFiles.frame(golden.name))
    #expect(decoded.map(\.reply) == [golden.payload])
    #expect(decoded.map(\.number) == [golden.number])
    #expect(parser.isBetweenFrames)
  }

  @Test("what must be refused is refused with the code the index gives", arguments: try GoldenFiles.refused())
  func refuses(_ refused: GoldenFiles.Refused) throws {
    let bytes = try GoldenFiles.frame(refused.name)
    let error = #expect(throws: WireError.self) {
      if refused.isRequest {
        var parser = RequestParser()
        _ = try parser.feed(bytes)
      } else {
        var parser = ReplyParser()
        _ = try parser.feed(bytes)
      }
    }
    #expect(error?.code.rawValue == refused.code)
  }
}
