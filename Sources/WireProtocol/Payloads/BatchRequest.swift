/// How a client wants its samples' bytes.
public enum BytesWanted: UInt8, Hashable, Sendable, CaseIterable {
  /// The daemon chooses by the mean sample size.
  case daemonChooses = 0
  case inline = 1
  case descriptors = 2
  /// Indices only.
  case none = 3

  init(from reader: inout FrameReader) throws(WireError) {
    let number = try reader.integer("bytes", as: UInt8.self)
    guard let value = BytesWanted(rawValue: number) else {
      throw .invalid(field: "bytes", value: Int64(number), allowed: "0 to 3")
    }
    self = value
  }
}

/// 5 batch: batches first ..< first + count of an epoch.
public struct BatchRequest: RequestPayload {
  public typealias Answer = BatchReply

  public var session: UInt32
  public var epoch: Int
  /// Counts this worker's own batches; nil counts the rank's, in the order a loader yields them.
  public var worker: UInt32?
  public var first: UInt32
  /// Shortened where it goes past the end.
  public var count: UInt32
  public var bytes: BytesWanted

  public init(
    session: UInt32, epoch: Int, worker: UInt32? = nil, first: UInt32, count: UInt32 = 1,
    bytes: BytesWanted = .daemonChooses
  ) {
    self.session = session
    self.epoch = epoch
    self.worker = worker
    self.first = first
    self.count = count
    self.bytes = bytes
  }

  public var kind: FrameKind { .batch }
  public var request: Request { .batch(self) }

  public func encode(into writer: inout FrameWriter) {
    writer.integer(session)
    writer.int(epoch)
    writer.integer(worker ?? ProtocolLimits.everyWorker)
    writer.integer(first)
    writer.integer(count)
    writer.integer(bytes.rawValue)
  }

  public init(from reader: inout FrameReader) throws(WireError) {
    session = try reader.integer("session")
    epoch = try reader.int("epoch")
    let worker = try reader.integer("worker", as: UInt32.self)
    self.worker = worker == ProtocolLimits.everyWorker ? nil : worker
    first = try reader.integer("first")
    count = try reader.integer("count")
    bytes = try BytesWanted(from: &reader)
  }
}

/// 6 sample: random access by global id, answered by a batch reply of one batch with epoch −1.
public struct SampleRequest: RequestPayload {
  public typealias Answer = BatchReply

  public var session: UInt32
  public var bytes: BytesWanted
  public var ids: [Int64]

  public init(session: UInt32, bytes: BytesWanted = .daemonChooses, ids: [Int64]) {
    self.session = session
    self.bytes = bytes
    self.ids = ids
  }

  public var kind: FrameKind { .sample }
  public var request: Request { .sample(self) }

  public func encode(into writer: inout FrameWriter) {
    writer.integer(session)
    writer.integer(bytes.rawValue)
    writer.list(ids)
  }

  public init(from reader: inout FrameReader) throws(WireError) {
    session = try reader.integer("session")
    bytes = try BytesWanted(from: &reader)
    ids = try reader.list("ids")
  }
}
