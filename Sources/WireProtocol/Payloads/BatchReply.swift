/// Which samples a batch reply holds, a column each; all but `counts` have an item a sample.
public struct BatchColumns: Hashable, Sendable {
  /// Samples of each batch.
  public var counts: [UInt32]
  /// Global sample ids, in order.
  public var ids: [Int64]
  /// Position in the session's `streams`.
  public var streams: [UInt32]
  /// Shard of that stream.
  public var shards: [UInt32]
  /// Index in that shard.
  public var indices: [UInt32]
  /// Position in the session's schemas.
  public var schemas: [UInt32]

  public init(
    counts: [UInt32], ids: [Int64], streams: [UInt32], shards: [UInt32], indices: [UInt32], schemas: [UInt32]
  ) {
    self.counts = counts
    self.ids = ids
    self.streams = streams
    self.shards = shards
    self.indices = indices
    self.schemas = schemas
  }

  /// Samples over all batches.
  public var samples: Int { ids.count }

  /// Bytes the columns take on the wire.
  var byteCount: Int { counts.count * 4 + ids.count * (8 + 4 * 4) }
}

/// 0x8005: samples, and where their bytes are.
public struct BatchReply: ReplyPayload {
  /// Where the samples' bytes are.
  public enum Body: Hashable, Sendable {
    /// In this reply, one sample after another: sample i is `bytes[offsets[i] ..< offsets[i + 1]]`.
    ///
    /// A daemon leaves `bytes` empty and sends them behind `FrameWriter.appendHead(of:request:)`, from where they lie.
    case inline(offsets: [UInt64], bytes: [UInt8])
    /// In open files.
    case files(FileColumns)
    /// Not asked for.
    case none
  }

  /// Where each sample lies in the files that descriptors frames brought.
  public struct FileColumns: Hashable, Sendable {
    /// Which open file each sample lies in.
    public var handles: [UInt32]
    /// Byte offset in that file.
    public var offsets: [UInt64]
    /// Bytes of the sample.
    public var lengths: [UInt32]
    /// Handles to close once this reply's bytes have been read.
    public var drops: [UInt32]

    public init(handles: [UInt32], offsets: [UInt64], lengths: [UInt32], drops: [UInt32] = []) {
      self.handles = handles
      self.offsets = offsets
      self.lengths = lengths
      self.drops = drops
    }
  }

  /// −1 for random access.
  public var epoch: Int
  /// Number of the first batch.
  public var first: UInt32
  public var columns: BatchColumns
  public var body: Body

  public init(epoch: Int, first: UInt32, columns: BatchColumns, body: Body) {
    self.epoch = epoch
    self.first = first
    self.columns = columns
    self.body = body
  }

  public var kind: FrameKind { .batchReply }
  public init?(_ reply: Reply) {
    guard case .batch(let payload) = reply else { return nil }
    self = payload
  }

  /// The number that says in the reply which body follows.
  private var mode: UInt8 {
    switch body {
    case .inline: 1
    case .files: 2
    case .none: 3
    }
  }

  public func encode(into writer: inout FrameWriter) {
    encodeHead(into: &writer)
    if case .inline(_, let bytes) = body { writer.array(bytes) }
  }

  /// All fields but the inline bytes.
  fileprivate func encodeHead(into writer: inout FrameWriter) {
    let samples = columns.samples
    precondition(
      columns.streams.count == samples && columns.shards.count == samples && columns.indices.count == samples
        && columns.schemas.count == samples, "a batch's columns have unequal lengths")
    writer.reserve(64 + columns.byteCount + samples * 16)
    writer.int(epoch)
    writer.integer(first)
    writer.integer(UInt32(columns.counts.count))
    writer.integer(UInt32(samples))
    writer.integer(UInt32(mode))
    writer.array(columns.counts)
    writer.array(columns.ids)
    writer.array(columns.streams)
    writer.array(columns.shards)
    writer.array(columns.indices)
    writer.array(columns.schemas)
    switch body {
    case .inline(let offsets, _):
      precondition(offsets.count == samples + 1, "a batch's offsets have one item more than its samples")
      writer.array(offsets)
    case .files(let files):
      precondition(
        files.handles.count == samples && files.offsets.count == samples && files.lengths.count == samples,
        "a batch's file columns have unequal lengths")
      writer.array(files.handles)
      writer.array(files.offsets)
      writer.array(files.lengths)
      writer.list(files.drops)
    case .none: break
    }
  }
}

extension BatchReply {
  public init(from reader: inout FrameReader) throws(WireError) {
    epoch = try reader.int("epoch")
    first = try reader.integer("first")
    let batches = Int(try reader.integer("batches", as: UInt32.self))
    let samples = Int(try reader.integer("samples", as: UInt32.self))
    let mode = try reader.integer("mode and reserved", as: UInt32.self)
    columns = BatchColumns(
      counts: try reader.array("counts", count: batches), ids: try reader.array("ids", count: samples),
      streams: try reader.array("streams", count: samples), shards: try reader.array("shards", count: samples),
      indices: try reader.array("indices", count: samples), schemas: try reader.array("schemas", count: samples))
    let counted = columns.counts.reduce(0) { $0 + Int($1) }
    guard counted == samples else {
      throw .invalid(field: "sum of counts", value: Int64(counted), allowed: "\(samples), the reply's samples")
    }
    switch mode {
    case 1: body = try Self.inlineBody(samples, &reader)
    case 2:
      body = .files(
        FileColumns(
          handles: try reader.array("handles", count: samples), offsets: try reader.array("offsets", count: samples),
          lengths: try reader.array("lengths", count: samples), drops: try reader.list("drops")))
    case 3: body = .none
    default:
      throw .invalid(field: "mode and reserved", value: Int64(mode), allowed: "1, 2 or 3, then three bytes of 0")
    }
  }

  private static func inlineBody(_ samples: Int, _ reader: inout FrameReader) throws(WireError) -> Body {
    let offsets: [UInt64] = try reader.array("offsets", count: samples + 1)
    var last: UInt64 = 0
    for (index, offset) in offsets.enumerated() {
      guard index == 0 ? offset == 0 : offset >= last else {
        throw .invalid(
          field: "offsets[\(index)]", value: Int64(truncatingIfNeeded: offset),
          allowed: index == 0 ? "0" : "\(last) or more")
      }
      last = offset
    }
    guard let total = Int(exactly: last) else {
      throw .truncated(field: "bytes", needed: .max, left: reader.left)
    }
    return .inline(offsets: offsets, bytes: try reader.array("bytes", count: total))
  }
}

extension FrameWriter {
  /// Writes a batch reply without its inline bytes, which the caller sends right behind the buffer: exactly as many as
  /// the last of the offsets says, gathered from where they lie. In the other modes it is the whole frame.
  public mutating func appendHead(of reply: BatchReply, request: UInt64) {
    var following = 0
    if case .inline(let offsets, _) = reply.body, let last = offsets.last { following = Int(last) }
    append(BatchHead(reply: reply), request: request, following: following)
  }
}

/// A batch reply as far as its writer writes it into the buffer.
private struct BatchHead: FramePayload {
  let reply: BatchReply

  init(reply: BatchReply) { self.reply = reply }
  init(from reader: inout FrameReader) throws(WireError) { reply = try BatchReply(from: &reader) }

  var kind: FrameKind { .batchReply }
  func encode(into writer: inout FrameWriter) { reply.encodeHead(into: &writer) }
}
