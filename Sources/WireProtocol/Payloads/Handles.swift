/// 0x8010: open files that come with this frame, under the handles the daemon knows them by.
public struct DescriptorsNotice: ReplyPayload {
  /// As many as the frame has descriptors, in their order.
  public var handles: [UInt32]

  public init(handles: [UInt32]) { self.handles = handles }

  public var kind: FrameKind { .descriptors }
  public init?(_ reply: Reply) {
    guard case .descriptors(let payload) = reply else { return nil }
    self = payload
  }

  public func encode(into writer: inout FrameWriter) { writer.list(handles) }
  public init(from reader: inout FrameReader) throws(WireError) { handles = try reader.list("handles") }
}

/// 0x8012: handles whose files the client is to close. Comes before a reply that has no place for it.
public struct DropNotice: ReplyPayload {
  /// Earlier replies may refer to them, later ones do not.
  public var handles: [UInt32]

  public init(handles: [UInt32]) { self.handles = handles }

  public var kind: FrameKind { .drop }
  public init?(_ reply: Reply) {
    guard case .drop(let payload) = reply else { return nil }
    self = payload
  }

  public func encode(into writer: inout FrameWriter) { writer.list(handles) }
  public init(from reader: inout FrameReader) throws(WireError) { handles = try reader.list("handles") }
}

/// 12 dropped: handles whose files the client has closed after the daemon ordered it. It has request number 0 and no reply.
public struct DroppedNotice: FramePayload {
  public var handles: [UInt32]

  public init(handles: [UInt32]) { self.handles = handles }

  public var kind: FrameKind { .dropped }
  public func encode(into writer: inout FrameWriter) { writer.list(handles) }
  public init(from reader: inout FrameReader) throws(WireError) { handles = try reader.list("handles") }
}
