import Testing
import WireProtocol

struct BatchReplyTests {
  private static func columns(_ samples: Int) -> BatchColumns {
    let numbers = (0..<UInt32(samples)).map { $0 }
    return BatchColumns(
      counts: [UInt32(samples)], ids: numbers.map(Int64.init), streams: numbers, shards: numbers, indices: numbers,
      schemas: numbers)
  }

  @Test("the head and the bytes behind it are the frame", arguments: [0, 1, 3, 512])
  func head(_ samples: Int) {
    let offsets = (0...UInt64(samples)).map { $0 * 3 }
    let bytes = [UInt8](repeating: 7, count: samples * 3)
    let whole = BatchReply(
      epoch: 1, first: 2, columns: Self.columns(samples), body: .inline(offsets: offsets, bytes: bytes))
    let head = BatchReply(
      epoch: 1, first: 2, columns: Self.columns(samples), body: .inline(offsets: offsets, bytes: []))
    var writer = FrameWriter()
    writer.appendHead(of: head, request: 9)
    #expect(writer.bytes + bytes == whole.frame(request: 9))
  }

  @Test("one writer holds many frames, and its memory is used again")
  func severalFrames() throws {
    var writer = FrameWriter(capacity: 1 << 16)
    for _ in 0..<2 {
      writer.removeAll()
      writer.append(ProgressNotice(document: "half"), request: 1)
      writer.append(CloseReply(), request: 2)
      var parser = ReplyParser()
      #expect(
        try parser.feed(writer.bytes).map(\.reply) == [
          .progress(ProgressNotice(document: "half")), .close(CloseReply()),
        ])
    }
  }
}
