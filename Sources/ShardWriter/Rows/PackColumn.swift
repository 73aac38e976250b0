/// A column to write: its name and encoding.
public struct PackColumn: Sendable, Hashable {
  public let name: String
  /// The reference's name, for the index.
  public let encodingName: String
  let encoding: ColumnEncoding

  /// - Throws: when no packer writes `encoding`.
  public init(name: String, encoding encodingName: String) throws(PackError) {
    guard let encoding = ColumnEncoding(encodingName) else {
      throw PackError(
        .options,
        "column \(quoted(name)): \(quoted(encodingName)) cannot be written; what can is \(ColumnEncoding.names)")
    }
    self.name = name
    self.encodingName = encodingName
    self.encoding = encoding
  }

  init(_ name: String, _ encodingName: String, _ encoding: ColumnEncoding) {
    self.name = name
    self.encodingName = encodingName
    self.encoding = encoding
  }

  /// Columns from the option's text, `name:encoding,name:encoding`; an encoding's own commas belong to its shape.
  public static func parse(_ text: String) throws(PackError) -> [PackColumn] {
    var parts: [Substring] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      // `tokens:ndarray:uint16:8,8`: a part without a colon that is a number goes on with the shape before it.
      if let last = parts.last, Int(part) != nil, last.contains(":ndarray:") {
        parts[parts.count - 1] = text[last.startIndex..<part.endIndex]
      } else {
        parts.append(part)
      }
    }
    var columns: [PackColumn] = []
    for part in parts {
      guard let colon = part.firstIndex(of: ":"), colon != part.startIndex else {
        throw PackError(.options, "\(quoted(String(part))) is no column; write name:encoding")
      }
      columns.append(
        try PackColumn(name: String(part[..<colon]), encoding: String(part[part.index(after: colon)...])))
    }
    return try inOrder(columns)
  }

  /// `columns` as the format orders them: by the code points of their names, each name once.
  static func inOrder(_ columns: [PackColumn]) throws(PackError) -> [PackColumn] {
    let sorted = columns.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    for (column, next) in zip(sorted, sorted.dropFirst()) where column.name == next.name {
      throw PackError(.options, "two columns are called \(quoted(column.name))")
    }
    if sorted.isEmpty { throw PackError(.options, "there are no columns to write") }
    return sorted
  }
}
