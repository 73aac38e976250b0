import DatasetModel

/// 3 schema: how the samples of a session are encoded.
public struct SchemaRequest: RequestPayload {
  public typealias Answer = SchemaReply

  public var session: UInt32

  public init(session: UInt32) { self.session = session }

  public var kind: FrameKind { .schema }
  public var request: Request { .schema(self) }
  public func encode(into writer: inout FrameWriter) { writer.integer(session) }
  public init(from reader: inout FrameReader) throws(WireError) { session = try reader.integer("session") }
}

/// How a client must decode the samples of some shards.
public struct WireSchema: Hashable, Sendable {
  /// How a sample's bytes are laid out.
  public enum Format: UInt8, Hashable, Sendable {
    case mds = 0
    case json = 1
    case separated = 2
  }

  public var format: Format
  /// Between the values of a line; empty except for separated values.
  public var separator: String
  /// Line end; empty for MDS.
  public var newline: String
  public var columns: [ColumnSchema]

  public init(format: Format, separator: String = "", newline: String = "", columns: [ColumnSchema]) {
    self.format = format
    self.separator = separator
    self.newline = newline
    self.columns = columns
  }

  /// The wire's form of a stream's schema.
  public init(_ schema: StreamSchema) {
    switch schema.format {
    case .mds: self.init(format: .mds, columns: schema.columns)
    case .json: self.init(format: .json, newline: schema.newline ?? "", columns: schema.columns)
    case .separated(_, let separator):
      self.init(
        format: .separated, separator: separator, newline: schema.newline ?? "", columns: schema.columns)
    }
  }

  static let leastBytes = 1 + 4 + 4 + 4

  func encode(into writer: inout FrameWriter) {
    writer.integer(format.rawValue)
    writer.text(separator)
    writer.text(newline)
    writer.list(columns) { writer, column in
      writer.text(column.name)
      writer.text(column.encoding)
      writer.int(column.size ?? -1)
    }
  }

  init(from reader: inout FrameReader) throws(WireError) {
    let number = try reader.integer("format", as: UInt8.self)
    guard let format = Format(rawValue: number) else {
      throw .invalid(field: "format", value: Int64(number), allowed: "0 (MDS), 1 (JSON) or 2 (separated values)")
    }
    self.format = format
    separator = try reader.text("separator")
    newline = try reader.text("newline")
    columns = try reader.list("columns", itemBytes: 4 + 4 + 8) { reader throws(WireError) in
      let name = try reader.text("column name")
      let encoding = try reader.text("column encoding")
      let size = try reader.int("column size")
      guard size >= -1 else { throw .invalid(field: "column size", value: Int64(size), allowed: "-1 or more") }
      return ColumnSchema(name: name, encoding: encoding, size: size == -1 ? nil : size)
    }
  }
}

/// 0x8003: the schemas that the `schema` numbers of a batch point into.
public struct SchemaReply: ReplyPayload {
  public var schemas: [WireSchema]

  public init(schemas: [WireSchema]) { self.schemas = schemas }

  public var kind: FrameKind { .schemaReply }
  public init?(_ reply: Reply) {
    guard case .schema(let payload) = reply else { return nil }
    self = payload
  }

  public func encode(into writer: inout FrameWriter) {
    writer.list(schemas) { $1.encode(into: &$0) }
  }

  public init(from reader: inout FrameReader) throws(WireError) {
    schemas = try reader.list("schemas", itemBytes: WireSchema.leastBytes) { reader throws(WireError) in
      try WireSchema(from: &reader)
    }
  }
}
