import Codecs
import DatasetModel

/// The fields that records of a stream share, parsed: format, columns, compression and which digests there are.
struct SharedFields {
  /// Most columns of a shard.
  static let maximumColumns = 65_536

  let schema: StreamSchema
  let compression: String?
  let files: [FileTraits]
  /// For each file, in which order the record's digests are stored.
  let digestOrder: [[Int]]

  /// - Parameter record: a record whose values lie in `bytes`.
  init(_ record: ScannedRecord, _ bytes: UnsafeRawBufferPointer) throws(FieldFault) {
    let fields = SharedFieldReader(record: record, bytes: bytes)
    guard let name = try fields.text(.format) else { throw FieldFault("format", .missingKey) }
    guard let required = RecordKeys.required(format: name) else { throw FieldFault("format", .unknownFormat(name)) }
    if let missing = required.subtracting(record.keys).any { throw FieldFault("\(missing.name)", .missingKey) }
    if let unknown = record.keys.subtracting(required).any { throw FieldFault("\(unknown.name)", .unknownKey) }

    let format: ShardFormat
    var newline: String?
    switch name {
    case "mds": format = .mds
    case "json": format = .json
    case "csv": format = .separated(name: name, separator: ",")
    case "tsv": format = .separated(name: name, separator: "\t")
    default: format = .separated(name: name, separator: try fields.filledText(.separator))
    }
    if format != .mds { newline = try fields.filledText(.newline) }
    schema = StreamSchema(format: format, columns: try fields.columns(format), newline: newline)
    compression = try fields.compression()
    try fields.checkHashNames()
    try fields.checkSizeLimit()
    (files, digestOrder) = try fields.files(format, compressed: compression != nil)
  }
}

extension SharedFieldReader {
  func compression() throws(FieldFault) -> String? {
    guard let name = try nullableText(.compression) else { return nil }
    do throws(CodecError) {
      return try Compression(parsing: name).text
    } catch {
      throw FieldFault("compression", .unknownCompression(error.description))
    }
  }

  /// `hashes` only says what the writer was told; each file's own record says what there is.
  func checkHashNames() throws(FieldFault) { _ = try texts(.hashes) }

  func checkSizeLimit() throws(FieldFault) {
    guard var cursor = cursor(.sizeLimit) else { return }
    let (text, number) = try cursor.read("size_limit") { cursor throws(JSONFault) -> (JSONText?, Int?) in
      if try cursor.takeNull() { return (nil, nil) }
      if try cursor.peek() == UInt8(ascii: "\"") { return (try cursor.string(), nil) }
      return (nil, try cursor.integer())
    }
    if let number, number < 0 { throw FieldFault("size_limit", .badSizeLimit) }
    if let text, ByteCount.parse(text.value(in: bytes)) == nil { throw FieldFault("size_limit", .badSizeLimit) }
  }

  func files(
    _ format: ShardFormat, compressed: Bool
  ) throws(FieldFault) -> (files: [FileTraits], order: [[Int]]) {
    var files: [FileTraits] = []
    var orders: [[Int]] = []
    let keys: [(RecordKey, FileTraits.Role)] = [
      (.rawMeta, .rawMeta), (.zipMeta, .zipMeta), (.rawData, .rawData), (.zipData, .zipData),
    ]
    for (key, role) in keys {
      guard let file = record.files[Int(role.rawValue)] else {
        let isNeeded = key == .rawData || key == .rawMeta && format != .mds
        if isNeeded { throw FieldFault("\(key.name)", .json(.expected("an object"), offset: offset)) }
        continue
      }
      if !compressed, key == .zipData || key == .zipMeta { throw FieldFault("compression", .compressionMissing) }
      let names = file.digests.map { $0.name.value(in: bytes) }
      let order = names.indices.sorted { names[$0] < names[$1] }
      var digests: [DigestTraits] = []
      for position in order {
        let field = "\(key.name).hashes.\(names[position])"
        if digests.last?.algorithm == names[position] { throw FieldFault(field, .duplicateKey) }
        let value = file.digests[position].value
        let characters = value.end - value.start
        let expected = DigestAlgorithm(rawValue: names[position])?.byteCount ?? characters / 2
        guard characters == 2 * expected else { throw FieldFault(field, .badDigest(algorithm: names[position])) }
        digests.append(DigestTraits(algorithm: names[position], bytes: expected))
      }
      files.append(FileTraits(role: role, digests: digests))
      orders.append(order)
    }
    return (files, orders)
  }
}
