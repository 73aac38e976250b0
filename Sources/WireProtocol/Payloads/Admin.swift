/// 11 admin: what only the operator may ask.
public struct AdminRequest: RequestPayload {
  public typealias Answer = AdminReply

  public var verb: String
  /// JSON, or empty for none.
  public var argument: String

  public init(verb: String, argument: String = "") {
    self.verb = verb
    self.argument = argument
  }

  public var kind: FrameKind { .admin }
  public var request: Request { .admin(self) }

  public func encode(into writer: inout FrameWriter) {
    writer.text(verb)
    writer.text(argument)
  }

  public init(from reader: inout FrameReader) throws(WireError) {
    verb = try reader.text("verb")
    argument = try reader.text("argument")
  }
}

/// 0x800B: the verb's result.
public struct AdminReply: ReplyPayload {
  /// JSON.
  public var document: String

  public init(document: String) { self.document = document }

  public var kind: FrameKind { .adminReply }
  public init?(_ reply: Reply) {
    guard case .admin(let payload) = reply else { return nil }
    self = payload
  }

  public func encode(into writer: inout FrameWriter) { writer.text(document) }
  public init(from reader: inout FrameReader) throws(WireError) { document = try reader.text("document") }
}

/// 0x8011: how an admin request gets on.
public struct ProgressNotice: ReplyPayload {
  /// JSON.
  public var document: String

  public init(document: String) { self.document = document }

  public var kind: FrameKind { .progress }
  public init?(_ reply: Reply) {
    guard case .progress(let payload) = reply else { return nil }
    self = payload
  }

  public func encode(into writer: inout FrameWriter) { writer.text(document) }
  public init(from reader: inout FrameReader) throws(WireError) { document = try reader.text("document") }
}
