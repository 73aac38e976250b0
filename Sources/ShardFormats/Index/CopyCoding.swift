import DatasetModel

/// Writes the values of a manifest's copy: numbers little-endian, texts and lists after their u32 count.
struct CopyWriter {
  var bytes: [UInt8] = []

  mutating func append(_ number: some FixedWidthInteger) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func append(_ text: String) {
    append(UInt32(text.utf8.count))
    bytes.append(contentsOf: text.utf8)
  }

  /// A flag, then the value if there is one.
  mutating func append(_ text: String?) {
    append(UInt8(text == nil ? 0 : 1))
    if let text { append(text) }
  }

  mutating func append<Element>(_ list: [Element], _ write: (inout CopyWriter, Element) -> Void) {
    append(UInt32(list.count))
    for element in list { write(&self, element) }
  }

  mutating func append(_ format: ShardFormat) {
    switch format {
    case .mds: append(UInt8(0))
    case .json: append(UInt8(1))
    case .separated(let name, let separator):
      append(UInt8(2))
      append(name)
      append(separator)
    }
  }

  mutating func append(_ schema: StreamSchema) {
    append(schema.format)
    append(schema.newline)
    append(schema.columns) { writer, column in
      writer.append(column.name)
      writer.append(column.encoding)
      writer.append(UInt64(column.size ?? 0))
    }
  }

  mutating func append(_ traits: ShardTraits) {
    append(traits.format)
    append(traits.compression)
    append(UInt32(traits.schema))
    append(traits.files) { writer, file in
      writer.append(file.role.rawValue)
      writer.append(file.digests) { writer, digest in
        writer.append(digest.algorithm)
        writer.append(UInt32(digest.bytes))
        writer.append(UInt8(digest.isText ? 1 : 0))
      }
    }
  }
}

/// Reads what `CopyWriter` wrote; anything else is `damaged`.
struct CopyReader {
  let bytes: [UInt8]
  var position: Int
  let end: Int

  mutating func number<Number: FixedWidthInteger>(_: Number.Type) throws(ManifestCopyFault) -> Number {
    let size = MemoryLayout<Number>.size
    guard size <= end - position else { throw .damaged }
    defer { position += size }
    return bytes.withUnsafeBytes { Number(littleEndian: $0.loadUnaligned(fromByteOffset: position, as: Number.self)) }
  }

  mutating func text() throws(ManifestCopyFault) -> String {
    let count = Int(try number(UInt32.self))
    guard count <= end - position, let text = String(validating: bytes[position..<position + count], as: UTF8.self)
    else { throw .damaged }
    position += count
    return text
  }

  mutating func optionalText() throws(ManifestCopyFault) -> String? {
    switch try number(UInt8.self) {
    case 0: nil
    case 1: try text()
    default: throw .damaged
    }
  }

  mutating func list<Element>(
    _ read: (inout CopyReader) throws(ManifestCopyFault) -> Element
  ) throws(ManifestCopyFault) -> [Element] {
    let count = Int(try number(UInt32.self))
    // Every element has at least a byte, so a wrong count is found before it costs memory.
    guard count <= end - position else { throw .damaged }
    var elements: [Element] = []
    for _ in 0..<count { elements.append(try read(&self)) }
    return elements
  }

  mutating func format() throws(ManifestCopyFault) -> ShardFormat {
    switch try number(UInt8.self) {
    case 0: .mds
    case 1: .json
    case 2: .separated(name: try text(), separator: try text())
    default: throw .damaged
    }
  }

  mutating func schema() throws(ManifestCopyFault) -> StreamSchema {
    let format = try format()
    let newline = try optionalText()
    let columns = try list { reader throws(ManifestCopyFault) in
      let (name, encoding) = (try reader.text(), try reader.text())
      guard let size = Int(exactly: try reader.number(UInt64.self)) else { throw ManifestCopyFault.damaged }
      return ColumnSchema(name: name, encoding: encoding, size: size == 0 ? nil : size)
    }
    return StreamSchema(format: format, columns: columns, newline: newline)
  }

  mutating func traits(schemas: Int) throws(ManifestCopyFault) -> ShardTraits {
    let format = try format()
    let compression = try optionalText()
    let schema = Int(try number(UInt32.self))
    let files = try list { reader throws(ManifestCopyFault) in
      guard let role = FileTraits.Role(rawValue: try reader.number(UInt8.self)) else {
        throw ManifestCopyFault.damaged
      }
      let digests = try reader.list { reader throws(ManifestCopyFault) in
        let algorithm = try reader.text()
        let bytes = Int(try reader.number(UInt32.self))
        return DigestTraits(algorithm: algorithm, bytes: bytes, isText: try reader.number(UInt8.self) == 1)
      }
      return FileTraits(role: role, digests: digests)
    }
    let roles = files.map(\.role.rawValue)
    // Ascending and with a data file, as every table has them; a zip file never stands without its raw one.
    guard schema < schemas, zip(roles, roles.dropFirst()).allSatisfy({ $0 < $1 }), roles.contains(2),
      roles.contains(0) || !roles.contains(1)
    else { throw .damaged }
    return ShardTraits(format: format, compression: compression, schema: schema, files: files)
  }
}
