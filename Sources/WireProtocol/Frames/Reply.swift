/// A frame from the daemon, decoded.
public enum Reply: Hashable, Sendable {
  case hello(HelloReply)
  case open(OpenReply)
  case schema(SchemaReply)
  case epoch(EpochReply)
  case batch(BatchReply)
  case state(StateReply)
  case status(StatusReply)
  case close(CloseReply)
  case health(HealthReply)
  case admin(AdminReply)
  /// Open files for replies to come; more frames of the same request follow.
  case descriptors(DescriptorsNotice)
  /// How an admin request gets on; more frames of the same request follow.
  case progress(ProgressNotice)
  /// Files to close; more frames of the same request follow.
  case drop(DropNotice)
  case error(ErrorReply)

  /// Decodes the payload of a frame of `kind`, which must be used up exactly.
  public init(kind: UInt16, payload: UnsafeRawBufferPointer) throws(WireError) {
    switch FrameKind(rawValue: kind) {
    case .helloReply: self = .hello(try .decoding(payload))
    case .openReply: self = .open(try .decoding(payload))
    case .schemaReply: self = .schema(try .decoding(payload))
    case .epochReply: self = .epoch(try .decoding(payload))
    case .batchReply: self = .batch(try .decoding(payload))
    case .stateReply: self = .state(try .decoding(payload))
    case .statusReply: self = .status(try .decoding(payload))
    case .closeReply: self = .close(try .decoding(payload))
    case .healthReply: self = .health(try .decoding(payload))
    case .adminReply: self = .admin(try .decoding(payload))
    case .descriptors: self = .descriptors(try .decoding(payload))
    case .progress: self = .progress(try .decoding(payload))
    case .drop: self = .drop(try .decoding(payload))
    case .error: self = .error(try .decoding(payload))
    default: throw .unknownKind(kind)
    }
  }

  /// The payload, whichever it is.
  public var payload: any FramePayload {
    switch self {
    case .hello(let payload): payload
    case .open(let payload): payload
    case .schema(let payload): payload
    case .epoch(let payload): payload
    case .batch(let payload): payload
    case .state(let payload): payload
    case .status(let payload): payload
    case .close(let payload): payload
    case .health(let payload): payload
    case .admin(let payload): payload
    case .descriptors(let payload): payload
    case .progress(let payload): payload
    case .drop(let payload): payload
    case .error(let payload): payload
    }
  }
}
