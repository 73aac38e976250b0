/// 4 epoch: plans an epoch, or finds its plan.
public struct EpochRequest: RequestPayload {
  public typealias Answer = EpochReply

  public var session: UInt32
  public var epoch: Int

  public init(session: UInt32, epoch: Int) {
    self.session = session
    self.epoch = epoch
  }

  public var kind: FrameKind { .epoch }
  public var request: Request { .epoch(self) }

  public func encode(into writer: inout FrameWriter) {
    writer.integer(session)
    writer.int(epoch)
  }

  public init(from reader: inout FrameReader) throws(WireError) {
    session = try reader.integer("session")
    epoch = try reader.int("epoch")
  }
}

/// 0x8004: what one rank gets in an epoch.
public struct EpochReply: ReplyPayload {
  public var epoch: Int
  /// Where it starts: the checkpoint's for the checkpoint's epoch, else 0.
  public var sampleInEpoch: Int
  /// Device batches of this rank that hold samples.
  public var batches: UInt32
  /// Batches of each worker, empty ones at the end included.
  public var batchesPerWorker: UInt32
  /// Samples this rank is given.
  public var samples: Int
  /// Batches that one request may be for without taking much of the cache at once; at least 1.
  public var together: UInt32
  public var warnings: [String]

  public init(
    epoch: Int, sampleInEpoch: Int, batches: UInt32, batchesPerWorker: UInt32, samples: Int, together: UInt32 = 1,
    warnings: [String] = []
  ) {
    self.epoch = epoch
    self.sampleInEpoch = sampleInEpoch
    self.batches = batches
    self.batchesPerWorker = batchesPerWorker
    self.samples = samples
    self.together = together
    self.warnings = warnings
  }

  public var kind: FrameKind { .epochReply }
  public init?(_ reply: Reply) {
    guard case .epoch(let payload) = reply else { return nil }
    self = payload
  }

  public func encode(into writer: inout FrameWriter) {
    writer.int(epoch)
    writer.int(sampleInEpoch)
    writer.integer(batches)
    writer.integer(batchesPerWorker)
    writer.int(samples)
    writer.integer(together)
    writer.list(warnings) { $0.text($1) }
  }

  public init(from reader: inout FrameReader) throws(WireError) {
    epoch = try reader.int("epoch")
    sampleInEpoch = try reader.int("sample_in_epoch")
    batches = try reader.integer("batches")
    batchesPerWorker = try reader.integer("batches_per_worker")
    samples = try reader.int("samples")
    together = try reader.integer("together")
    warnings = try reader.list("warnings", itemBytes: 4) { reader throws(WireError) in try reader.text("warning") }
  }
}
