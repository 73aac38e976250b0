import DatasetModel

/// The world's numbers as the wire has them.
public struct WireWorld: Hashable, Sendable {
  public var nodes: UInt32
  public var ranksPerNode: UInt32
  public var workersPerRank: UInt32

  public init(nodes: UInt32, ranksPerNode: UInt32, workersPerRank: UInt32) {
    self.nodes = nodes
    self.ranksPerNode = ranksPerNode
    self.workersPerRank = workersPerRank
  }

  /// `world` if its numbers fit the wire (0 to 2³² − 1 each).
  public init?(_ world: World) {
    guard let nodes = UInt32(exactly: world.nodes), let ranks = UInt32(exactly: world.ranksPerNode),
      let workers = UInt32(exactly: world.workersPerRank)
    else { return nil }
    self.init(nodes: nodes, ranksPerNode: ranks, workersPerRank: workers)
  }

  /// The dataset model's world; whether it can be is not checked here.
  public var world: World {
    World(nodes: Int(nodes), ranksPerNode: Int(ranksPerNode), workersPerRank: Int(workersPerRank))
  }

  func encode(into writer: inout FrameWriter) {
    writer.integer(nodes)
    writer.integer(ranksPerNode)
    writer.integer(workersPerRank)
  }

  init(from reader: inout FrameReader) throws(WireError) {
    nodes = try reader.integer("nodes")
    ranksPerNode = try reader.integer("ranks_per_node")
    workersPerRank = try reader.integer("workers_per_rank")
  }
}

/// Which data a client wants.
public enum DatasetReference: Hashable, Sendable {
  /// A dataset registered under this name.
  case named(String)
  /// A JSON document with the keys of a dataset in the configuration; its streams are objects of a stream's keys.
  case inline(document: String)
}

/// Who a client is in its world.
public enum RankReference: Hashable, Sendable {
  /// The global rank.
  case rank(UInt32)
  /// The local device on a node.
  case device(UInt32, node: UInt32)
}

/// What a checkpoint was made of, so that a resume against other data is noticed.
public struct ExpectedDataset: Hashable, Sendable {
  /// Lower-case hexadecimal.
  public var fingerprint: String
  /// What the daemon gave with the fingerprint; may be empty.
  public var description: String
  /// The trainer says that it means to go on with different data.
  public var acceptDifferent: Bool

  public init(fingerprint: String, description: String = "", acceptDifferent: Bool = false) {
    self.fingerprint = fingerprint
    self.description = description
    self.acceptDifferent = acceptDifferent
  }
}

/// 2 open: begins a session on a dataset.
public struct OpenRequest: RequestPayload {
  public typealias Answer = OpenReply

  public var dataset: DatasetReference
  /// Empty, or a JSON object of dataset options that replace the registered ones.
  public var overrides: String
  public var world: WireWorld
  public var rank: RankReference
  /// A checkpoint.
  public var resume: ResumePoint?
  public var expected: ExpectedDataset?

  public init(
    dataset: DatasetReference, overrides: String = "", world: WireWorld, rank: RankReference,
    resume: ResumePoint? = nil, expected: ExpectedDataset? = nil
  ) {
    self.dataset = dataset
    self.overrides = overrides
    self.world = world
    self.rank = rank
    self.resume = resume
    self.expected = expected
  }

  public var kind: FrameKind { .open }
  public var request: Request { .open(self) }

  public func encode(into writer: inout FrameWriter) {
    switch dataset {
    case .named(let name):
      writer.bool(false)
      writer.text(name)
    case .inline(let document):
      writer.bool(true)
      writer.text(document)
    }
    writer.text(overrides)
    world.encode(into: &writer)
    switch rank {
    case .rank(let rank):
      writer.bool(false)
      writer.integer(UInt32(0))
      writer.integer(rank)
    case .device(let device, let node):
      writer.bool(true)
      writer.integer(node)
      writer.integer(device)
    }
    writer.optional(resume) { $1.encode(into: &$0) }
    writer.optional(expected) { writer, expected in
      writer.text(expected.fingerprint)
      writer.text(expected.description)
      writer.bool(expected.acceptDifferent)
    }
  }

  public init(from reader: inout FrameReader) throws(WireError) {
    let inline = try reader.bool("inline")
    let text = try reader.text("dataset")
    dataset = inline ? .inline(document: text) : .named(text)
    overrides = try reader.text("overrides")
    world = try WireWorld(from: &reader)
    let byDevice = try reader.bool("by_device")
    let node = try reader.integer("node", as: UInt32.self)
    let number = try reader.integer("rank", as: UInt32.self)
    rank = byDevice ? .device(number, node: node) : .rank(number)
    resume = try reader.optional("resume") { reader throws(WireError) in try ResumePoint(from: &reader) }
    expected = try reader.optional("expected") { reader throws(WireError) in
      ExpectedDataset(
        fingerprint: try reader.text("fingerprint"), description: try reader.text("description"),
        acceptDifferent: try reader.bool("accept_different"))
    }
  }
}

extension ResumePoint {
  func encode(into writer: inout FrameWriter) {
    writer.int(epoch)
    writer.int(sampleInEpoch)
    writer.optional(canonicalNodes) { $0.int($1) }
    writer.optional(shuffleSeed) { $0.int($1) }
    writer.optional(initialPhysicalNodes) { $0.int($1) }
  }

  init(from reader: inout FrameReader) throws(WireError) {
    self.init(epoch: try reader.int("epoch"), sampleInEpoch: try reader.int("sample_in_epoch"))
    canonicalNodes = try reader.optional("num_canonical_nodes") { reader throws(WireError) in
      try reader.int("num_canonical_nodes")
    }
    shuffleSeed = try reader.optional("shuffle_seed") { reader throws(WireError) in try reader.int("shuffle_seed") }
    initialPhysicalNodes = try reader.optional("initial_physical_nodes") { reader throws(WireError) in
      try reader.int("initial_physical_nodes")
    }
  }
}
