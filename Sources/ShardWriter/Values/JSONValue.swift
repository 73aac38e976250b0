import ShardFormats

/// A JSON value of a row, with what Python would make of it.
indirect enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  /// A whole number of any size, as Python's `str` of it.
  case integer(String)
  case number(Double)
  case text(String)
  case list([JSONValue])
  /// Keys in order; of equal keys the last value counts, at the first one's place.
  case object([(key: String, value: JSONValue)])

  static func == (left: JSONValue, right: JSONValue) -> Bool { left.dumped == right.dumped }

  /// What it is, for messages.
  var kind: String {
    switch self {
    case .null: "null"
    case .bool: "a boolean"
    case .integer: "a whole number"
    case .number: "a number with a fraction or exponent"
    case .text: "text"
    case .list: "a list"
    case .object: "an object"
    }
  }

  /// `json.dumps(value)`.
  var dumped: [UInt8] {
    var bytes: [UInt8] = []
    dump(to: &bytes)
    return bytes
  }

  private func dump(to bytes: inout [UInt8]) {
    switch self {
    case .null: bytes += Array("null".utf8)
    case .bool(let value): bytes += Array((value ? "true" : "false").utf8)
    case .integer(let text): bytes += Array(text.utf8)
    case .number(let value): bytes += Array(PythonText.jsonFloat(value).utf8)
    case .text(let text): PythonText.appendString(text, to: &bytes)
    case .list(let values):
      bytes.append(UInt8(ascii: "["))
      for (position, value) in values.enumerated() {
        if position > 0 { bytes += Array(", ".utf8) }
        value.dump(to: &bytes)
      }
      bytes.append(UInt8(ascii: "]"))
    case .object(let pairs):
      bytes.append(UInt8(ascii: "{"))
      for (position, pair) in pairs.enumerated() {
        if position > 0 { bytes += Array(", ".utf8) }
        PythonText.appendString(pair.key, to: &bytes)
        bytes += Array(": ".utf8)
        pair.value.dump(to: &bytes)
      }
      bytes.append(UInt8(ascii: "}"))
    }
  }
}

extension JSONValue {
  /// Reads a value. Python's `NaN`, `Infinity` and `-Infinity` are numbers here too.
  init(_ cursor: inout JSONCursor, depth: Int = 0) throws(JSONFault) {
    guard depth < JSONCursor.maximumDepth else { throw .tooDeep }
    switch try cursor.peek() {
    case UInt8(ascii: "\""): self = .text(try cursor.string().value(in: cursor.bytes))
    case UInt8(ascii: "["):
      cursor.position += 1
      var values: [JSONValue] = []
      if try !cursor.take(UInt8(ascii: "]")) {
        repeat { values.append(try JSONValue(&cursor, depth: depth + 1)) } while try cursor.take(UInt8(ascii: ","))
        try cursor.expect(UInt8(ascii: "]"), "\",\" or \"]\"")
      }
      self = .list(values)
    case UInt8(ascii: "{"): self = try Self.object(&cursor, depth: depth)
    default: self = try Self.plain(&cursor)
    }
  }

  private static func object(_ cursor: inout JSONCursor, depth: Int) throws(JSONFault) -> JSONValue {
    cursor.position += 1
    var pairs: [(key: String, value: JSONValue)] = []
    var places: [String: Int] = [:]
    if try cursor.take(UInt8(ascii: "}")) { return .object([]) }
    repeat {
      let key = try cursor.string().value(in: cursor.bytes)
      try cursor.expect(UInt8(ascii: ":"), "\":\"")
      let value = try JSONValue(&cursor, depth: depth + 1)
      if let place = places[key] {
        pairs[place].value = value
      } else {
        places[key] = pairs.count
        pairs.append((key, value))
      }
    } while try cursor.take(UInt8(ascii: ","))
    try cursor.expect(UInt8(ascii: "}"), "\",\" or \"}\"")
    return .object(pairs)
  }

  /// A number, or one of the names.
  private static func plain(_ cursor: inout JSONCursor) throws(JSONFault) -> JSONValue {
    let start = cursor.position
    try cursor.skip(allowingNaN: true)
    let text = String(decoding: cursor.bytes[start..<cursor.position], as: UTF8.self)
    switch text {
    case "null": return .null
    case "true": return .bool(true)
    case "false": return .bool(false)
    case "NaN": return .number(.nan)
    case "Infinity": return .number(.infinity)
    case "-Infinity": return .number(-.infinity)
    case "-0": return .integer("0")
    default: break
    }
    if text.utf8.allSatisfy({ $0 == UInt8(ascii: "-") || ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9")) }) {
      return .integer(text)
    }
    guard let value = Double(text) else { throw .expected("a number") }
    return .number(value)
  }
}
