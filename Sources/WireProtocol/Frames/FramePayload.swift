/// What a frame carries: one type a frame, in the order of PROTOCOL.md's tables.
public protocol FramePayload: Hashable, Sendable {
  /// The frame's kind on the wire.
  var kind: FrameKind { get }
  /// Writes the fields in their order.
  func encode(into writer: inout FrameWriter)
  /// Reads the fields in their order; the caller checks that nothing is left.
  init(from reader: inout FrameReader) throws(WireError)
}

/// What a client sends and is answered with an `Answer`.
public protocol RequestPayload: FramePayload {
  /// The reply that ends the request when nothing went wrong.
  associatedtype Answer: ReplyPayload
  /// The request among its kind.
  var request: Request { get }
}

/// What the daemon sends.
public protocol ReplyPayload: FramePayload {
  /// The payload of `reply`, if it is of this type.
  init?(_ reply: Reply)
}

extension FramePayload {
  /// Decodes a whole payload.
  static func decoding(_ payload: UnsafeRawBufferPointer) throws(WireError) -> Self {
    var reader = FrameReader(payload)
    let value = try Self(from: &reader)
    try reader.finish()
    return value
  }

  /// The payload as one frame of its own.
  public func frame(request: UInt64, descriptors: Int = 0) -> [UInt8] {
    var writer = FrameWriter()
    writer.append(self, request: request, descriptors: descriptors)
    return writer.bytes
  }
}
