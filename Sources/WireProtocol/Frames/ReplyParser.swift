/// The client's end of a connection's bytes: received bytes in, replies out, and the rules that bind a daemon's frames.
///
/// A value without I/O, used as `RequestParser` is. The caller keeps received descriptors in a queue and takes
/// `descriptors` of them for each frame.
public struct ReplyParser {
  /// A reply, the number of the request it belongs to, and how many descriptors came with it.
  public struct Numbered: Hashable, Sendable {
    public let number: UInt64
    public let descriptors: Int
    public let reply: Reply
  }

  /// Longest payload taken; the daemon's hello may lower or raise it.
  public var maxReplyBytes: Int
  private var failure: WireError?
  /// A client has one connection, whose long replies are of much the same length.
  private var buffer = FrameBuffer(keptCapacity: 256 * FrameBuffer.restingCapacity)

  public init(maxReplyBytes: Int = ProtocolLimits.defaultReplyBytes) { self.maxReplyBytes = maxReplyBytes }

  /// True between frames: the daemon has broken off nothing if it closes here.
  public var isBetweenFrames: Bool { buffer.count == 0 }

  /// Lets `body` write received bytes into free space; it answers how many it wrote, 0 for the end of the connection.
  public mutating func fill<Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(Failure) -> Int { try buffer.fill(body) }

  /// The next reply, or nil if its bytes have not come yet.
  public mutating func next() throws(WireError) -> Numbered? {
    if let failure { throw failure }
    do throws(WireError) {
      guard let header = buffer.header() else { return nil }
      try check(header)
      let reply = try buffer.payload(of: header) { payload throws(WireError) in
        try Reply(kind: header.kind, payload: payload)
      }
      guard let reply else { return nil }
      if case .descriptors(let notice) = reply, notice.handles.count != Int(header.descriptors) {
        throw .invalid(
          field: "handles", value: Int64(notice.handles.count), allowed: "\(header.descriptors), one a descriptor")
      }
      return Numbered(number: header.request, descriptors: Int(header.descriptors), reply: reply)
    } catch {
      failure = error
      throw error
    }
  }

  private func check(_ header: FrameHeader) throws(WireError) {
    guard let kind = FrameKind(rawValue: header.kind), kind.isFromDaemon else { throw .unknownKind(header.kind) }
    guard Int(header.length) <= maxReplyBytes else {
      throw .tooLong(bytes: Int(header.length), limit: maxReplyBytes)
    }
    let allowed = kind == .descriptors ? ProtocolLimits.descriptorsPerFrame : 0
    guard Int(header.descriptors) <= allowed else {
      throw .invalid(field: "descriptors", value: Int64(header.descriptors), allowed: "at most \(allowed)")
    }
  }
}
