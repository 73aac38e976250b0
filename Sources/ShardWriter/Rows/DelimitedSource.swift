/// Rows from CSV (RFC 4180: quotes, quoted line ends, `""` inside them) or TSV (no quotes), the first line the names.
struct DelimitedSource: RowSource {
  let columns: [PackColumn]
  let totalBytes: Int
  private let separator: UInt8
  private let quote: UInt8?
  private var files: [LineBlocks]
  /// For each file, which column each field is; nil for fields that are not written.
  private var layouts: [[Int?]] = []
  private var pending: [LineBlocks.Block?]
  private var current = 0

  /// - Parameters:
  ///   - separator: one ASCII character.
  ///   - columns: nil to write every column of the first file as `str`.
  init(paths: [String], separator: UInt8, isQuoted: Bool, columns: [PackColumn]?) throws(PackError) {
    self.separator = separator
    quote = isQuoted ? UInt8(ascii: "\"") : nil
    var files: [LineBlocks] = []
    for path in paths { files.append(try LineBlocks(path: path, quote: quote)) }
    var pending: [LineBlocks.Block?] = []
    var headers: [[String]] = []
    for position in files.indices {
      let path = files[position].path
      guard let block = try files[position].next() else { throw PackError(.input, "\(path) has no header line") }
      var reader = FieldReader(bytes: block.bytes, separator: separator, quote: quote, line: block.firstLine)
      guard let header = try reader.next(path) else { throw PackError(.input, "\(path) has no header line") }
      headers.append(header.map { String(decoding: $0, as: UTF8.self) })
      pending.append(LineBlocks.Block(bytes: Array(block.bytes[reader.position...]), firstLine: reader.line))
    }
    self.files = files
    self.pending = pending
    totalBytes = files.reduce(0) { $0 + $1.totalBytes }
    let wanted = try PackColumn.inOrder(columns ?? headers[0].map { PackColumn($0, "str", .str) })
    self.columns = wanted
    for (file, header) in zip(files, headers) {
      for column in wanted where header.count(where: { $0 == column.name }) != 1 {
        throw PackError(
          .input,
          "\(file.path): the header has \(header.count { $0 == column.name }) columns called "
            + "\(quoted(column.name)); it names \(header.map(quoted).joined(separator: ", "))")
      }
      layouts.append(header.map { name in wanted.firstIndex { $0.name == name } })
    }
  }

  mutating func next() throws(PackError) -> (any RowBatch)? {
    while current < files.count {
      let block: LineBlocks.Block?
      if let first = pending[current] {
        block = first
        pending[current] = nil
      } else {
        block = try files[current].next()
      }
      if let block {
        return DelimitedBatch(
          path: files[current].path, block: block, separator: separator, quote: quote, layout: layouts[current])
      }
      current += 1
    }
    return nil
  }
}

struct DelimitedBatch: RowBatch {
  let path: String
  let block: LineBlocks.Block
  let separator: UInt8
  let quote: UInt8?
  let layout: [Int?]

  var inputBytes: Int { block.bytes.count }

  func encode(_ columns: [PackColumn]) throws(PackError) -> SampleBatch {
    var builder = SampleBuilder(columns: columns)
    var reader = FieldReader(bytes: block.bytes, separator: separator, quote: quote, line: block.firstLine)
    while true {
      let place = RowPlace(file: path, number: reader.line)
      guard let fields = try reader.next(path) else { return builder.batch }
      guard fields.count == layout.count else {
        throw PackError(.input, "\(place): \(fields.count) fields where the header names \(layout.count)")
      }
      for (field, column) in zip(fields, layout) {
        guard let column else { continue }
        guard let text = String(validating: field, as: UTF8.self) else {
          throw PackError(.input, "\(place): column \(quoted(columns[column].name)) is not UTF-8")
        }
        if columns[column].encoding == .str {
          builder.set(column, field)
        } else {
          try builder.set(column, FieldValue.of(text, for: columns[column].encoding), at: place)
        }
      }
      try builder.finishRow(at: place)
    }
  }
}
