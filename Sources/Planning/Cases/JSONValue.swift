/// A JSON value, as much of JSON as case files use.
///
/// Integers stay integers: a sample count read as a double would lose digits beyond 2⁵³.
enum JSONValue: Hashable {
  case null
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([String: JSONValue])

  /// Why text is not JSON.
  struct SyntaxError: Error, Hashable {
    let offset: Int
    let expected: String
  }

  /// The deepest nesting that is read.
  static let depthLimit = 64

  init(_ text: [UInt8]) throws(SyntaxError) {
    var parser = JSONParser(text)
    self = try parser.document()
  }
}

/// A recursive descent over UTF-8 text.
private struct JSONParser {
  private let text: [UInt8]
  private var at = 0

  init(_ text: [UInt8]) { self.text = text }

  mutating func document() throws(JSONValue.SyntaxError) -> JSONValue {
    let value = try value(depth: 0)
    skipSpace()
    guard at == text.count else { throw expected("the end") }
    return value
  }

  private func expected(_ what: String) -> JSONValue.SyntaxError { .init(offset: at, expected: what) }

  private var next: UInt8? { at < text.count ? text[at] : nil }

  private mutating func skipSpace() {
    while let byte = next, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d { at += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    guard next == byte else { return false }
    at += 1
    return true
  }

  private mutating func value(depth: Int) throws(JSONValue.SyntaxError) -> JSONValue {
    guard depth < JSONValue.depthLimit else { throw expected("at most \(JSONValue.depthLimit) levels") }
    skipSpace()
    switch next {
    case UInt8(ascii: "{"): return try object(depth: depth)
    case UInt8(ascii: "["): return try array(depth: depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .boolean(true))
    case UInt8(ascii: "f"): return try word("false", .boolean(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func word(_ word: String, _ value: JSONValue) throws(JSONValue.SyntaxError) -> JSONValue {
    guard text[at...].starts(with: word.utf8) else { throw expected(word) }
    at += word.utf8.count
    return value
  }

  private mutating func object(depth: Int) throws(JSONValue.SyntaxError) -> JSONValue {
    at += 1
    var members: [String: JSONValue] = [:]
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object(members) }
    repeat {
      skipSpace()
      guard next == UInt8(ascii: "\"") else { throw expected("a member's name") }
      let name = try string()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw expected("':'") }
      members[name] = try value(depth: depth + 1)
      skipSpace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "}")) else { throw expected("',' or '}'") }
    return .object(members)
  }

  private mutating func array(depth: Int) throws(JSONValue.SyntaxError) -> JSONValue {
    at += 1
    var elements: [JSONValue] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return .array(elements) }
    repeat {
      elements.append(try value(depth: depth + 1))
      skipSpace()
    } while take(UInt8(ascii: ","))
    guard take(UInt8(ascii: "]")) else { throw expected("',' or ']'") }
    return .array(elements)
  }

  private mutating func number() throws(JSONValue.SyntaxError) -> JSONValue {
    let first = at
    while let byte = next, "+-.eE0123456789".utf8.contains(byte) { at += 1 }
    let digits = String(decoding: text[first..<at], as: UTF8.self)
    if let integer = Int(digits) { return .integer(integer) }
    if let number = Double(digits), number.isFinite { return .number(number) }
    at = first
    throw expected("a value")
  }

  private mutating func string() throws(JSONValue.SyntaxError) -> String {
    at += 1
    var bytes: [UInt8] = []
    while let byte = next {
      at += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: bytes, as: UTF8.self) else { throw expected("UTF-8") }
        return string
      case UInt8(ascii: "\\"): bytes.append(contentsOf: try escape())
      case 0..<0x20: throw expected("no control character in a string")
      default: bytes.append(byte)
      }
    }
    throw expected("the string's end")
  }

  private mutating func escape() throws(JSONValue.SyntaxError) -> [UInt8] {
    guard let byte = next else { throw expected("an escape") }
    at += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0c]
    case UInt8(ascii: "n"): return [0x0a]
    case UInt8(ascii: "r"): return [0x0d]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      var unit = try hexUnit()
      if unit & 0xfc00 == 0xd800, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) {
        let low = try hexUnit()
        guard low & 0xfc00 == 0xdc00 else { throw expected("a low surrogate") }
        unit = 0x10000 + (unit & 0x3ff) << 10 + (low & 0x3ff)
      }
      guard let scalar = Unicode.Scalar(unit) else { throw expected("a surrogate pair") }
      return Array(String(Character(scalar)).utf8)
    default: throw expected("a known escape")
    }
  }

  private mutating func hexUnit() throws(JSONValue.SyntaxError) -> UInt32 {
    guard at + 4 <= text.count, let unit = UInt32(String(decoding: text[at..<at + 4], as: UTF8.self), radix: 16) else {
      throw expected("four hexadecimal digits")
    }
    at += 4
    return unit
  }
}
