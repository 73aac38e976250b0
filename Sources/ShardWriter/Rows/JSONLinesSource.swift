import ShardFormats

/// Rows from files of one JSON object a line. Keys that are no column are passed over, as the reference does.
struct JSONLinesSource: RowSource {
  /// Rows looked at to find columns when none are given.
  private static let inferenceBytes = 16 << 20

  let columns: [PackColumn]
  let totalBytes: Int
  private var files: [LineBlocks]
  private var current = 0

  /// - Parameter columns: nil to take the columns from the first rows.
  init(paths: [String], columns: [PackColumn]?) throws(PackError) {
    var files: [LineBlocks] = []
    for path in paths { files.append(try LineBlocks(path: path)) }
    self.files = files
    totalBytes = files.reduce(0) { $0 + $1.totalBytes }
    if let columns { self.columns = columns } else { self.columns = try Self.inferColumns(files) }
  }

  mutating func next() throws(PackError) -> (any RowBatch)? {
    while current < files.count {
      if let block = try files[current].next() { return JSONLinesBatch(path: files[current].path, block: block) }
      current += 1
    }
    return nil
  }

  private static func inferColumns(_ files: [LineBlocks]) throws(PackError) -> [PackColumn] {
    var inference = ColumnInference()
    var seen = 0
    for var file in files {
      while seen < inferenceBytes, let block = try file.next() {
        seen += block.bytes.count
        try JSONLinesBatch(path: file.path, block: block).eachRow { object, _ in inference.see(object) }
      }
    }
    guard inference.rows > 0 else { throw PackError(.input, "the input has no rows") }
    return try PackColumn.inOrder(inference.columns)
  }
}

struct JSONLinesBatch: RowBatch {
  let path: String
  let block: LineBlocks.Block

  var inputBytes: Int { block.bytes.count }

  func encode(_ columns: [PackColumn]) throws(PackError) -> SampleBatch {
    var builder = SampleBuilder(columns: columns)
    try block.bytes.withUnsafeBufferPointer { (bytes) throws(PackError) in
      try eachLine { (line, place) throws(PackError) in
        try encodeRow(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[line]), place, &builder)
      }
    }
    return builder.batch
  }

  /// Calls `body` with every row's keys and values.
  func eachRow(_ body: ([(key: String, value: JSONValue)], RowPlace) -> Void) throws(PackError) {
    try block.bytes.withUnsafeBufferPointer { (bytes) throws(PackError) in
      try eachLine { (line, place) throws(PackError) in
        var cursor = JSONCursor(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[line]))
        let value = try place.reading { () throws(JSONFault) in
          let value = try JSONValue(&cursor)
          try cursor.expectEnd()
          return value
        }
        guard case .object(let pairs) = value else {
          throw PackError(.input, "\(place): expected an object, found \(value.kind)")
        }
        body(pairs, place)
      }
    }
  }

  /// Calls `body` with the range of every line that is not blank, its end included so that numbers have one.
  private func eachLine(_ body: (Range<Int>, RowPlace) throws(PackError) -> Void) throws(PackError) {
    var start = 0
    var number = block.firstLine
    let bytes = block.bytes
    while start < bytes.count {
      let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? bytes.count
      if let first = bytes[start..<end].first(where: { $0 > 0x20 }) {
        let place = RowPlace(file: path, number: number)
        if first == UInt8(ascii: "[") {
          throw PackError(.input, "\(place): not JSONL: a list, where every line must be an object of its own")
        }
        try body(start..<end, place)
      }
      start = end
      number += 1
    }
  }

  private func encodeRow(
    _ line: UnsafeRawBufferPointer, _ place: RowPlace, _ builder: inout SampleBuilder
  ) throws(PackError) {
    var cursor = JSONCursor(line)
    try place.reading { () throws(JSONFault) in try cursor.expect(UInt8(ascii: "{"), "an object") }
    var isEmpty = try place.reading { () throws(JSONFault) in try cursor.take(UInt8(ascii: "}")) }
    var next = 0
    while !isEmpty {
      let key = try place.reading { () throws(JSONFault) in
        let key = try cursor.string()
        try cursor.expect(UInt8(ascii: ":"), "\":\"")
        return key
      }
      if let column = find(key, in: line, builder.columns, startingAt: next) {
        next = column + 1
        if builder.columns[column].encoding == .str,
          try place.reading({ () throws(JSONFault) in try cursor.peek() })
            == UInt8(ascii: "\"")
        {
          // Text is most of most rows, so it takes the short way.
          let text = try place.reading { () throws(JSONFault) in try cursor.string() }
          builder.set(column, text.valueBytes(in: line))
        } else {
          let value = try place.reading { () throws(JSONFault) in try JSONValue(&cursor) }
          try builder.set(column, value, at: place)
        }
      } else {
        try place.reading { () throws(JSONFault) in try cursor.skip(allowingNaN: true) }
      }
      isEmpty = try place.reading { () throws(JSONFault) in
        if try cursor.take(UInt8(ascii: ",")) { return false }
        try cursor.expect(UInt8(ascii: "}"), "\",\" or \"}\"")
        return true
      }
    }
    try place.reading { () throws(JSONFault) in try cursor.expectEnd() }
    try builder.finishRow(at: place)
  }

  private func find(
    _ key: JSONText, in line: UnsafeRawBufferPointer, _ columns: [PackColumn], startingAt first: Int
  ) -> Int? {
    let written = key.hasEscapes ? nil : key.written(in: line)
    let value = key.hasEscapes ? key.valueBytes(in: line) : []
    for offset in columns.indices {
      let column = (first + offset) % columns.count
      let name = columns[column].name.utf8
      if written.map({ $0.count == name.count && $0.elementsEqual(name) }) ?? value.elementsEqual(name) {
        return column
      }
    }
    return nil
  }
}

extension RowPlace {
  /// Runs `body`, naming this place in what it throws.
  func reading<Value>(_ body: () throws(JSONFault) -> Value) throws(PackError) -> Value {
    do throws(JSONFault) { return try body() } catch { throw PackError(.input, "\(self): not JSON: \(error)") }
  }
}

extension JSONCursor {
  /// Only white space may follow.
  mutating func expectEnd() throws(JSONFault) {
    do throws(JSONFault) { _ = try peek() } catch { return }
    throw .expected("the end of the line")
  }
}
