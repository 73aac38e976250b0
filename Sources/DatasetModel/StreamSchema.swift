/// One column of a stream: its name, the reference's encoding name and its fixed size, if it has one.
public struct ColumnSchema: Hashable, Sendable {
  public let name: String
  /// `int`, `str`, `ndarray:int32:8,8`, …; decoded by the client, never by the daemon.
  public let encoding: String
  /// Bytes of every value when the encoding fixes them.
  public let size: Int?

  public init(name: String, encoding: String, size: Int?) {
    self.name = name
    self.encoding = encoding
    self.size = size
  }
}

/// What a client must know to decode a sample's bytes.
public struct StreamSchema: Hashable, Sendable {
  public let format: ShardFormat
  public let columns: [ColumnSchema]
  /// Line end of the text formats; nil for MDS.
  public let newline: String?

  public init(format: ShardFormat, columns: [ColumnSchema], newline: String? = nil) {
    self.format = format
    self.columns = columns
    self.newline = newline
  }
}
