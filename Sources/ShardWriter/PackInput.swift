/// What to pack: paths, and how to read them.
public struct PackInput: Sendable {
  public enum Format: String, Sendable, CaseIterable {
    case jsonl, csv, tsv, files, npy
  }

  public var format: Format
  public var paths: [String]
  /// nil to take them from the input: JSONL's from its first rows, CSV's as text.
  public var columns: [PackColumn]?
  /// What a folder's files are; nil to go by their names.
  public var content: FileContent?
  /// Elements of a sample from a one-dimensional array.
  public var tokensPerSample: Int?
  /// The name of an array's column.
  public var arrayColumn = "tokens"

  public init(format: Format, paths: [String], columns: [PackColumn]? = nil) {
    self.format = format
    self.paths = paths
    self.columns = columns
  }

  /// The format that a path's ending names; nil when it says nothing.
  public static func format(ofPath path: String, isDirectory: Bool) -> Format? {
    if isDirectory { return .files }
    let endings: [(String, Format)] = [
      (".jsonl", .jsonl), (".ndjson", .jsonl), (".json", .jsonl), (".csv", .csv), (".tsv", .tsv), (".npy", .npy),
    ]
    return endings.first { path.lowercased().hasSuffix($0.0) }?.1
  }

  func open() throws(PackError) -> any RowSource {
    switch format {
    case .jsonl: return try JSONLinesSource(paths: paths, columns: columns)
    case .csv:
      return try DelimitedSource(paths: paths, separator: UInt8(ascii: ","), isQuoted: true, columns: columns)
    case .tsv:
      return try DelimitedSource(paths: paths, separator: UInt8(ascii: "\t"), isQuoted: false, columns: columns)
    case .files:
      if columns != nil { throw PackError(.options, "--columns is for JSONL, CSV and TSV; a folder's are fixed") }
      return try FolderSource(folders: paths, content: content)
    case .npy:
      if columns != nil { throw PackError(.options, "--columns is for JSONL, CSV and TSV; an array's is fixed") }
      return try ArraySource(paths: paths, column: arrayColumn, elementsPerSample: tokensPerSample)
    }
  }
}
