import DatasetModel

/// Reads the shared values of a scanned record.
struct SharedFieldReader {
  let record: ScannedRecord
  let bytes: UnsafeRawBufferPointer

  /// Where the record's shared values begin, for faults that have no better place.
  var offset: Int { record.shared.compactMap { $0?.lowerBound }.min() ?? 0 }

  /// A cursor at the value of `key`, if the record has it. The value has been found to be JSON.
  func cursor(_ key: RecordKey) -> JSONCursor? {
    record.shared[key.rawValue].map { JSONCursor(bytes, at: $0.lowerBound) }
  }

  /// The string at `key`; nil when the key is missing.
  func text(_ key: RecordKey) throws(FieldFault) -> String? {
    guard var cursor = cursor(key) else { return nil }
    return try cursor.read("\(key.name)") { cursor throws(JSONFault) in try cursor.string() }.value(in: bytes)
  }

  /// The string at `key`; nil when it is null.
  func nullableText(_ key: RecordKey) throws(FieldFault) -> String? {
    guard var cursor = cursor(key) else { throw FieldFault("\(key.name)", .missingKey) }
    return try cursor.read("\(key.name)") { cursor throws(JSONFault) -> JSONText? in
      try cursor.takeNull() ? nil : try cursor.string()
    }?.value(in: bytes)
  }

  /// The string at `key`, which may not be empty.
  func filledText(_ key: RecordKey) throws(FieldFault) -> String {
    guard let text = try text(key) else { throw FieldFault("\(key.name)", .missingKey) }
    if text.isEmpty { throw FieldFault("\(key.name)", .emptyText) }
    return text
  }

  /// The list of strings at `key`.
  func texts(_ key: RecordKey) throws(FieldFault) -> [String] {
    try list(key) { cursor throws(JSONFault) in try cursor.string() }.map { $0.value(in: bytes) }
  }

  private func list<Element>(
    _ key: RecordKey, _ element: (inout JSONCursor) throws(JSONFault) -> Element
  ) throws(FieldFault) -> [Element] {
    guard var cursor = cursor(key) else { throw FieldFault("\(key.name)", .missingKey) }
    var elements: [Element] = []
    try cursor.read("\(key.name)") { cursor throws(JSONFault) in
      try cursor.expect(UInt8(ascii: "["), "a list")
    }
    if try cursor.read("\(key.name)", { cursor throws(JSONFault) in try cursor.take(UInt8(ascii: "]")) }) { return [] }
    repeat {
      guard elements.count < SharedFields.maximumColumns else {
        throw FieldFault("\(key.name)", .limit("entries of a list", limit: SharedFields.maximumColumns))
      }
      elements.append(try cursor.read("\(key.name)[\(elements.count)]", element))
    } while try cursor.read("\(key.name)", { cursor throws(JSONFault) in try cursor.take(UInt8(ascii: ",")) })
    return elements
  }

  /// The columns as the record's format states them: parallel lists, or JSON's object.
  func columns(_ format: ShardFormat) throws(FieldFault) -> [ColumnSchema] {
    let columns: [ColumnSchema]
    switch format {
    case .mds: columns = try listedColumns(sizes: try sizes())
    case .json: columns = try mappedColumns()
    case .separated: columns = try listedColumns(sizes: nil)
    }
    if columns.isEmpty { throw FieldFault(format == .json ? "columns" : "column_names", .noColumns) }
    var seen: Set<String> = []
    for column in columns {
      guard seen.insert(column.name).inserted else {
        throw FieldFault(format == .json ? "columns" : "column_names", .duplicateColumn(column.name))
      }
      if format != .mds, !["str", "int", "float"].contains(column.encoding) {
        throw FieldFault(
          format == .json ? "columns.\(column.name)" : "column_encodings", .unknownTextEncoding(column.encoding))
      }
    }
    return columns
  }

  private func listedColumns(sizes: [Int?]?) throws(FieldFault) -> [ColumnSchema] {
    let names = try texts(.columnNames)
    let encodings = try texts(.columnEncodings)
    guard encodings.count == names.count else {
      throw FieldFault("column_encodings", .differentLengths(columns: names.count, found: encodings.count))
    }
    if let sizes, sizes.count != names.count {
      throw FieldFault("column_sizes", .differentLengths(columns: names.count, found: sizes.count))
    }
    return names.indices.map { ColumnSchema(name: names[$0], encoding: encodings[$0], size: sizes?[$0]) }
  }

  /// The fixed sizes. The reference treats 0 as no fixed size.
  private func sizes() throws(FieldFault) -> [Int?] {
    let sizes = try list(.columnSizes) { cursor throws(JSONFault) -> Int? in
      try cursor.takeNull() ? nil : try cursor.integer()
    }
    let allowed = 0...Int(UInt32.max)
    for (position, size) in sizes.enumerated() {
      if let size, !allowed.contains(size) {
        throw FieldFault("column_sizes[\(position)]", .outOfRange(value: size, allowed: allowed))
      }
    }
    return sizes.map { $0 == 0 ? nil : $0 }
  }

  private func mappedColumns() throws(FieldFault) -> [ColumnSchema] {
    guard var cursor = cursor(.columns) else { throw FieldFault("columns", .missingKey) }
    let pairs = try cursor.read("columns") { cursor throws(JSONFault) -> [(JSONText, JSONText)] in
      var pairs: [(JSONText, JSONText)] = []
      try cursor.expect(UInt8(ascii: "{"), "an object")
      if try cursor.take(UInt8(ascii: "}")) { return pairs }
      repeat {
        let name = try cursor.string()
        try cursor.expect(UInt8(ascii: ":"), "\":\"")
        pairs.append((name, try cursor.string()))
      } while try cursor.take(UInt8(ascii: ","))
      return pairs
    }
    guard pairs.count <= SharedFields.maximumColumns else {
      throw FieldFault("columns", .limit("columns", limit: SharedFields.maximumColumns))
    }
    return pairs.map { ColumnSchema(name: $0.value(in: bytes), encoding: $1.value(in: bytes), size: nil) }
  }
}
