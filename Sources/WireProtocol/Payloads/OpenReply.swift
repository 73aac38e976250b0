/// A stream of a session: where its samples lie among the dataset's.
public struct SessionStream: Hashable, Sendable {
  public var name: String
  /// Global id of its first sample.
  public var firstSample: Int
  public var samples: Int
  public var shards: UInt32
  /// Samples of it drawn per epoch.
  public var drawn: Int

  public init(name: String, firstSample: Int, samples: Int, shards: UInt32, drawn: Int) {
    self.name = name
    self.firstSample = firstSample
    self.samples = samples
    self.shards = shards
    self.drawn = drawn
  }

  /// The least a stream takes on the wire.
  static let leastBytes = 4 + 8 + 8 + 4 + 8

  func encode(into writer: inout FrameWriter) {
    writer.text(name)
    writer.int(firstSample)
    writer.int(samples)
    writer.integer(shards)
    writer.int(drawn)
  }

  init(from reader: inout FrameReader) throws(WireError) {
    name = try reader.text("stream name")
    firstSample = try reader.int("first_sample")
    samples = try reader.int("samples")
    shards = try reader.integer("shards")
    drawn = try reader.int("drawn")
  }
}

/// Where a session stands in its epochs, with the numbers that are in force: what a checkpoint keeps.
public struct SessionPosition: Hashable, Sendable {
  public var epoch: Int
  public var sampleInEpoch: Int
  public var canonicalNodes: Int
  public var shuffleSeed: Int
  public var initialPhysicalNodes: Int

  public init(
    epoch: Int, sampleInEpoch: Int, canonicalNodes: Int, shuffleSeed: Int, initialPhysicalNodes: Int
  ) {
    self.epoch = epoch
    self.sampleInEpoch = sampleInEpoch
    self.canonicalNodes = canonicalNodes
    self.shuffleSeed = shuffleSeed
    self.initialPhysicalNodes = initialPhysicalNodes
  }

  func encode(into writer: inout FrameWriter) {
    writer.int(epoch)
    writer.int(sampleInEpoch)
    writer.int(canonicalNodes)
    writer.int(shuffleSeed)
    writer.int(initialPhysicalNodes)
  }

  init(from reader: inout FrameReader) throws(WireError) {
    epoch = try reader.int("epoch")
    sampleInEpoch = try reader.int("sample_in_epoch")
    canonicalNodes = try reader.int("num_canonical_nodes")
    shuffleSeed = try reader.int("shuffle_seed")
    initialPhysicalNodes = try reader.int("initial_physical_nodes")
  }
}

/// 0x8002: the session.
public struct OpenReply: ReplyPayload {
  /// Number of the session on this connection.
  public var session: UInt32
  public var dataset: String
  /// Lower-case hexadecimal digest of everything that fixes the order, the world apart.
  public var fingerprint: String
  /// What the fingerprint was made of, to be kept beside it in a checkpoint.
  public var description: String
  /// The planning world, which differs from the client's under replication.
  public var world: WireWorld
  /// This session's rank in the planning world.
  public var rank: UInt32
  /// Samples of a device batch.
  public var batchSize: UInt32
  /// 1 for none.
  public var replication: UInt32
  /// Where the session starts.
  public var position: SessionPosition
  /// Samples drawn per epoch.
  public var epochSize: Int
  /// `len` of the dataset for one rank.
  public var length: Int
  /// Distinct samples; global ids are 0 ..< size.
  public var size: Int
  /// Over all shards; decides between inline bytes and descriptors.
  public var meanSampleBytes: UInt32
  public var streams: [SessionStream]
  /// For the person who reads the trainer's log.
  public var warnings: [String]

  public init(
    session: UInt32, dataset: String, fingerprint: String, description: String, world: WireWorld, rank: UInt32,
    batchSize: UInt32, replication: UInt32, position: SessionPosition, epochSize: Int, length: Int, size: Int,
    meanSampleBytes: UInt32, streams: [SessionStream], warnings: [String]
  ) {
    self.session = session
    self.dataset = dataset
    self.fingerprint = fingerprint
    self.description = description
    self.world = world
    self.rank = rank
    self.batchSize = batchSize
    self.replication = replication
    self.position = position
    self.epochSize = epochSize
    self.length = length
    self.size = size
    self.meanSampleBytes = meanSampleBytes
    self.streams = streams
    self.warnings = warnings
  }

  public var kind: FrameKind { .openReply }
  public init?(_ reply: Reply) {
    guard case .open(let payload) = reply else { return nil }
    self = payload
  }

  public func encode(into writer: inout FrameWriter) {
    writer.integer(session)
    writer.text(dataset)
    writer.text(fingerprint)
    writer.text(description)
    world.encode(into: &writer)
    writer.integer(rank)
    writer.integer(batchSize)
    writer.integer(replication)
    position.encode(into: &writer)
    writer.int(epochSize)
    writer.int(length)
    writer.int(size)
    writer.integer(meanSampleBytes)
    writer.list(streams) { $1.encode(into: &$0) }
    writer.list(warnings) { $0.text($1) }
  }

  public init(from reader: inout FrameReader) throws(WireError) {
    session = try reader.integer("session")
    dataset = try reader.text("dataset")
    fingerprint = try reader.text("fingerprint")
    description = try reader.text("description")
    world = try WireWorld(from: &reader)
    rank = try reader.integer("rank")
    batchSize = try reader.integer("batch_size")
    replication = try reader.integer("replication")
    position = try SessionPosition(from: &reader)
    epochSize = try reader.int("epoch_size")
    length = try reader.int("length")
    size = try reader.int("size")
    meanSampleBytes = try reader.integer("mean_sample_bytes")
    streams = try reader.list("streams", itemBytes: SessionStream.leastBytes) { reader throws(WireError) in
      try SessionStream(from: &reader)
    }
    warnings = try reader.list("warnings", itemBytes: 4) { reader throws(WireError) in try reader.text("warning") }
  }
}
