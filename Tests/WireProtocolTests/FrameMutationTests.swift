import Testing
import WireProtocol

/// Golden frames, mutilated. What must hold: no crash, no hang; what is accepted means the same when written again.
struct FrameMutationTests {
  private static let rounds = 1_000_000

  @Test("a million mutilated frames")
  func mutations() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("FrameMutationTests seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let frames = try (goldenRequests.map(\.name) + goldenReplies.map(\.name)).map { try GoldenFiles.frame($0) }
      .filter { $0.count < 600 }
    var accepted = 0
    for round in 0..<Self.rounds {
      var frame = frames[Int(random.next() % UInt64(frames.count))]
      Self.mutilate(&frame, &random)
      if try Self.accepts(frame, round) { accepted += 1 }
    }
    print("FrameMutationTests accepted \(accepted) of \(Self.rounds)")
    // Many changes hit a number that may be any: a parser that refuses everything has not been tested.
    #expect(accepted > Self.rounds / 20)
    #expect(accepted < Self.rounds)
  }

  @Test("a hundred thousand mutilated conversations through the parsers")
  func conversations() throws {
    let seed = UInt64.random(in: 0 ... .max)
    print("FrameMutationTests conversations seed \(seed)")
    var random = SeededGenerator(seed: seed)
    let requests = try goldenRequests.map { try GoldenFiles.frame($0.name) }
    let replies = try goldenReplies.map { try GoldenFiles.frame($0.name) }.filter { $0.count < 600 }
    for _ in 0..<50_000 {
      var bytes = requests[0] + requests[Int(random.next() % UInt64(requests.count))]
      Self.mutilate(&bytes, &random)
      var requestParser = RequestParser()
      do { _ = try requestParser.feed(bytes, step: 1 + Int(random.next() % 64)) } catch {
        #expect(error.code.closesConnection)
      }
      bytes = replies[Int(random.next() % UInt64(replies.count))] + replies[Int(random.next() % UInt64(replies.count))]
      Self.mutilate(&bytes, &random)
      var replyParser = ReplyParser()
      do { _ = try replyParser.feed(bytes, step: 1 + Int(random.next() % 64)) } catch {
        #expect(error.code.closesConnection)
      }
    }
  }

  /// One to four changes: a bit, a byte, a number made extreme, a piece cut, doubled or put in.
  private static func mutilate(_ bytes: inout [UInt8], _ random: inout SeededGenerator) {
    for _ in 0...(random.next() % 4) {
      guard !bytes.isEmpty else { return }
      let place = Int(random.next() % UInt64(bytes.count))
      switch random.next() % 7 {
      case 0: bytes[place] ^= 1 << UInt8(random.next() % 8)
      case 1: bytes[place] = UInt8(truncatingIfNeeded: random.next())
      case 2: for index in place..<min(place + 4, bytes.count) { bytes[index] = 0xFF }
      case 3: for index in place..<min(place + 8, bytes.count) { bytes[index] = 0 }
      case 4: bytes.removeSubrange(place..<min(bytes.count, place + 1 + Int(random.next() % 16)))
      case 5: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 8)], at: place)
      default: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
      }
    }
  }

  /// True if the frame's payload is of its kind's form; then its value must survive being written and read again.
  private static func accepts(_ frame: [UInt8], _ round: Int) throws -> Bool {
    guard frame.count >= FrameHeader.byteCount else { return false }
    let kind = UInt16(frame[4]) | UInt16(frame[5]) << 8
    if kind & 0x8000 == 0 {
      guard let request = decode(frame, { payload throws(WireError) in try Request(kind: kind, payload: payload) })
      else { return false }
      let again = request.payload.frame(request: 1)
      try #require(
        decode(again, { payload throws(WireError) in try Request(kind: kind, payload: payload) }) == request,
        "round \(round)")
    } else {
      guard let reply = decode(frame, { payload throws(WireError) in try Reply(kind: kind, payload: payload) }) else {
        return false
      }
      let again = reply.payload.frame(request: 1)
      try #require(
        decode(again, { payload throws(WireError) in try Reply(kind: kind, payload: payload) }) == reply,
        "round \(round)")
    }
    return true
  }

  /// What the payload says, or nil if it is refused.
  private static func decode<Value>(
    _ frame: [UInt8], _ body: (UnsafeRawBufferPointer) throws(WireError) -> Value
  ) -> Value? {
    frame.withUnsafeBytes { bytes in
      do throws(WireError) {
        return try body(UnsafeRawBufferPointer(rebasing: bytes[FrameHeader.byteCount...]))
      } catch { return nil }
    }
  }
}
