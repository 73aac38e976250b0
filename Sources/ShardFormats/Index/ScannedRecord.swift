/// A shard's record taken apart, its values still where they lie in the document.
struct ScannedRecord {
  /// The values that records of a stream share, by key: where each lies.
  private(set) var shared: [Range<Int>?]
  /// In the order of `FileTraits.Role`; nil where the record has null or lacks the key.
  private(set) var files: [ScannedFile?]
  private(set) var samples = 0
  private(set) var keys: RecordKeys = []

  init() {
    shared = Array(repeating: nil, count: RecordKey.allCases.count)
    files = Array(repeating: nil, count: 4)
  }

  /// Reads one record, an object.
  mutating func scan(_ cursor: inout JSONCursor) throws(FieldFault) {
    reset()
    try cursor.read(nil) { cursor throws(JSONFault) in try cursor.expect(UInt8(ascii: "{"), "an object") }
    var last: RecordKey?
    repeat {
      let text = try cursor.read(nil) { cursor throws(JSONFault) in try cursor.string() }
      guard let key = RecordKey.find(text, in: cursor.bytes, after: last) else {
        throw FieldFault(text.value(in: cursor.bytes), .unknownKey)
      }
      guard !keys.contains(RecordKeys(key)) else { throw FieldFault("\(key.name)", .duplicateKey) }
      keys.insert(RecordKeys(key))
      last = key
      try cursor.read("\(key.name)") { cursor throws(JSONFault) in try cursor.expect(UInt8(ascii: ":"), "\":\"") }
      try scanValue(key, &cursor)
    } while try cursor.read(nil, { cursor throws(JSONFault) in try cursor.take(UInt8(ascii: ",")) })
    try cursor.read(nil) { cursor throws(JSONFault) in try cursor.expect(UInt8(ascii: "}"), "\",\" or \"}\"") }
  }

  private mutating func reset() {
    for position in shared.indices { shared[position] = nil }
    for position in files.indices { files[position] = nil }
    keys = []
  }

  private mutating func scanValue(_ key: RecordKey, _ cursor: inout JSONCursor) throws(FieldFault) {
    switch key {
    case .samples:
      samples = try cursor.read("samples") { cursor throws(JSONFault) in try cursor.integer() }
      let allowed = 0...Int(UInt32.max)
      guard allowed.contains(samples) else {
        throw FieldFault("samples", .outOfRange(value: samples, allowed: allowed))
      }
    case .version:
      let version = try cursor.read("version") { cursor throws(JSONFault) in try cursor.integer() }
      guard version == 2 else { throw FieldFault("version", .unsupportedVersion(version)) }
    case .rawMeta: files[0] = try ScannedFile(key, &cursor)
    case .zipMeta: files[1] = try ScannedFile(key, &cursor)
    case .rawData: files[2] = try ScannedFile(key, &cursor)
    case .zipData: files[3] = try ScannedFile(key, &cursor)
    default:
      let start = try cursor.read("\(key.name)") { cursor throws(JSONFault) in
        _ = try cursor.peek()
        return cursor.position
      }
      try cursor.read("\(key.name)") { cursor throws(JSONFault) in try cursor.skip() }
      shared[key.rawValue] = start..<cursor.position
    }
  }

  /// What the record shares with others like it, as bytes to compare: equal bytes mean equal traits.
  func appendTraitsKey(to key: inout [UInt8], _ bytes: UnsafeRawBufferPointer) {
    withUnsafeBytes(of: keys.rawValue) { key.append(contentsOf: $0) }
    // NUL and 0xff stand in no JSON text, so parts cannot run into each other.
    for range in shared {
      if let range { key.append(contentsOf: UnsafeRawBufferPointer(rebasing: bytes[range])) }
      key.append(0)
    }
    for file in files {
      key.append(file == nil ? 0 : 0xff)
      for digest in file?.digests ?? [] {
        key.append(contentsOf: digest.name.written(in: bytes))
        key.append(0)
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: digest.value.end - digest.value.start)) {
          key.append(contentsOf: $0)
        }
      }
    }
  }
}

/// A file's record: `{"basename": …, "bytes": …, "hashes": {…}}`.
struct ScannedFile {
  let name: JSONText
  let bytes: Int
  let digests: [(name: JSONText, value: JSONText)]

  /// nil for null.
  init?(_ key: RecordKey, _ cursor: inout JSONCursor) throws(FieldFault) {
    let isNull = try cursor.read("\(key.name)") { cursor throws(JSONFault) in
      if try cursor.takeNull() { return true }
      try cursor.expect(UInt8(ascii: "{"), "an object or null")
      return false
    }
    if isNull { return nil }
    var name: JSONText?
    var bytes: Int?
    var digests: [(name: JSONText, value: JSONText)]?
    repeat {
      let text = try cursor.read("\(key.name)") { cursor throws(JSONFault) in
        let text = try cursor.string()
        try cursor.expect(UInt8(ascii: ":"), "\":\"")
        return text
      }
      if text.equals("basename", in: cursor.bytes), name == nil {
        name = try cursor.read("\(key.name).basename") { cursor throws(JSONFault) in try cursor.string() }
      } else if text.equals("bytes", in: cursor.bytes), bytes == nil {
        bytes = try cursor.read("\(key.name).bytes") { cursor throws(JSONFault) in try cursor.integer() }
      } else if text.equals("hashes", in: cursor.bytes), digests == nil {
        digests = try Self.digests(key, &cursor)
      } else {
        let field = text.value(in: cursor.bytes)
        let isKnown = ["basename", "bytes", "hashes"].contains(field)
        throw FieldFault("\(key.name).\(field)", isKnown ? .duplicateKey : .unknownKey)
      }
    } while try cursor.read("\(key.name)", { cursor throws(JSONFault) in try cursor.take(UInt8(ascii: ",")) })
    try cursor.read("\(key.name)") { cursor throws(JSONFault) in
      try cursor.expect(UInt8(ascii: "}"), "\",\" or \"}\"")
    }
    guard let name else { throw FieldFault("\(key.name).basename", .missingKey) }
    guard let bytes else { throw FieldFault("\(key.name).bytes", .missingKey) }
    guard let digests else { throw FieldFault("\(key.name).hashes", .missingKey) }
    self.name = name
    self.bytes = bytes
    self.digests = digests
  }

  private static func digests(
    _ key: RecordKey, _ cursor: inout JSONCursor
  ) throws(FieldFault) -> [(name: JSONText, value: JSONText)] {
    try cursor.read("\(key.name).hashes") { cursor throws(JSONFault) in
      var digests: [(name: JSONText, value: JSONText)] = []
      try cursor.expect(UInt8(ascii: "{"), "an object")
      if try cursor.take(UInt8(ascii: "}")) { return digests }
      repeat {
        let name = try cursor.string()
        try cursor.expect(UInt8(ascii: ":"), "\":\"")
        digests.append((name, try cursor.string()))
      } while try cursor.take(UInt8(ascii: ","))
      try cursor.expect(UInt8(ascii: "}"), "\",\" or \"}\"")
      return digests
    }
  }
}
