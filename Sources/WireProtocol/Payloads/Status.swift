/// 8 status: how the daemon is doing.
public struct StatusRequest: RequestPayload {
  public typealias Answer = StatusReply

  public init() {}

  public var kind: FrameKind { .status }
  public var request: Request { .status(self) }
  public func encode(into writer: inout FrameWriter) {}
  public init(from reader: inout FrameReader) throws(WireError) {}
}

/// 0x8008: the status document.
public struct StatusReply: ReplyPayload {
  /// JSON.
  public var document: String

  public init(document: String) { self.document = document }

  public var kind: FrameKind { .statusReply }
  public init?(_ reply: Reply) {
    guard case .status(let payload) = reply else { return nil }
    self = payload
  }

  public func encode(into writer: inout FrameWriter) { writer.text(document) }
  public init(from reader: inout FrameReader) throws(WireError) { document = try reader.text("document") }
}

/// 10 health: the shortest question.
public struct HealthRequest: RequestPayload {
  public typealias Answer = HealthReply

  public init() {}

  public var kind: FrameKind { .health }
  public var request: Request { .health(self) }
  public func encode(into writer: inout FrameWriter) {}
  public init(from reader: inout FrameReader) throws(WireError) {}
}

/// 0x800A: one word and one line.
public struct HealthReply: ReplyPayload {
  /// What a probe acts on.
  public enum State: UInt8, Hashable, Sendable {
    case starting = 0
    case ready = 1
    case degraded = 2
    case draining = 3
  }

  public var state: State
  /// One line.
  public var detail: String

  public init(state: State, detail: String) {
    self.state = state
    self.detail = detail
  }

  public var kind: FrameKind { .healthReply }
  public init?(_ reply: Reply) {
    guard case .health(let payload) = reply else { return nil }
    self = payload
  }

  public func encode(into writer: inout FrameWriter) {
    writer.integer(state.rawValue)
    writer.text(detail)
  }

  public init(from reader: inout FrameReader) throws(WireError) {
    let number = try reader.integer("state", as: UInt8.self)
    guard let state = State(rawValue: number) else {
      throw .invalid(field: "state", value: Int64(number), allowed: "0 to 3")
    }
    self.state = state
    detail = try reader.text("detail")
  }
}
