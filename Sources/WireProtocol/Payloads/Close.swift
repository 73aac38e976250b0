/// 9 close: ends a session; its connection stays.
public struct CloseRequest: RequestPayload {
  public typealias Answer = CloseReply

  public var session: UInt32

  public init(session: UInt32) { self.session = session }

  public var kind: FrameKind { .close }
  public var request: Request { .close(self) }
  public func encode(into writer: inout FrameWriter) { writer.integer(session) }
  public init(from reader: inout FrameReader) throws(WireError) { session = try reader.integer("session") }
}

/// 0x8009: done.
public struct CloseReply: ReplyPayload {
  public init() {}

  public var kind: FrameKind { .closeReply }
  public init?(_ reply: Reply) {
    guard case .close(let payload) = reply else { return nil }
    self = payload
  }

  public func encode(into writer: inout FrameWriter) {}
  public init(from reader: inout FrameReader) throws(WireError) {}
}
