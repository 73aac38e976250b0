/// 7 state: what a trainer must keep to go on from here.
public struct StateRequest: RequestPayload {
  public typealias Answer = StateReply

  public var session: UInt32
  public var epoch: Int
  /// Samples that this rank received in this epoch since it began or was resumed.
  public var samples: Int

  public init(session: UInt32, epoch: Int, samples: Int) {
    self.session = session
    self.epoch = epoch
    self.samples = samples
  }

  public var kind: FrameKind { .state }
  public var request: Request { .state(self) }

  public func encode(into writer: inout FrameWriter) {
    writer.integer(session)
    writer.int(epoch)
    writer.int(samples)
  }

  public init(from reader: inout FrameReader) throws(WireError) {
    session = try reader.integer("session")
    epoch = try reader.int("epoch")
    samples = try reader.int("samples")
  }
}

/// 0x8007: a checkpoint.
public struct StateReply: ReplyPayload {
  public var position: SessionPosition
  /// Lower-case hexadecimal.
  public var fingerprint: String
  /// What the fingerprint was made of.
  public var description: String

  public init(position: SessionPosition, fingerprint: String, description: String) {
    self.position = position
    self.fingerprint = fingerprint
    self.description = description
  }

  public var kind: FrameKind { .stateReply }
  public init?(_ reply: Reply) {
    guard case .state(let payload) = reply else { return nil }
    self = payload
  }

  public func encode(into writer: inout FrameWriter) {
    position.encode(into: &writer)
    writer.text(fingerprint)
    writer.text(description)
  }

  public init(from reader: inout FrameReader) throws(WireError) {
    position = try SessionPosition(from: &reader)
    fingerprint = try reader.text("fingerprint")
    description = try reader.text("description")
  }
}
