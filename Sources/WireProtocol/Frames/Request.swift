/// A frame from a client, decoded.
public enum Request: Hashable, Sendable {
  case hello(HelloRequest)
  case open(OpenRequest)
  case schema(SchemaRequest)
  case epoch(EpochRequest)
  case batch(BatchRequest)
  case sample(SampleRequest)
  case state(StateRequest)
  case status(StatusRequest)
  case close(CloseRequest)
  case health(HealthRequest)
  case admin(AdminRequest)
  case dropped(DroppedNotice)

  /// Decodes the payload of a frame of `kind`, which must be used up exactly.
  public init(kind: UInt16, payload: UnsafeRawBufferPointer) throws(WireError) {
    switch FrameKind(rawValue: kind) {
    case .hello: self = .hello(try .decoding(payload))
    case .open: self = .open(try .decoding(payload))
    case .schema: self = .schema(try .decoding(payload))
    case .epoch: self = .epoch(try .decoding(payload))
    case .batch: self = .batch(try .decoding(payload))
    case .sample: self = .sample(try .decoding(payload))
    case .state: self = .state(try .decoding(payload))
    case .status: self = .status(try .decoding(payload))
    case .close: self = .close(try .decoding(payload))
    case .health: self = .health(try .decoding(payload))
    case .admin: self = .admin(try .decoding(payload))
    case .dropped: self = .dropped(try .decoding(payload))
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
    case .sample(let payload): payload
    case .state(let payload): payload
    case .status(let payload): payload
    case .close(let payload): payload
    case .health(let payload): payload
    case .admin(let payload): payload
    case .dropped(let payload): payload
    }
  }
}
