import StreamRegistry

/// A JSON document (RFC 8259) that a client sent, as configuration values with their lines.
///
/// Written for text from strangers: bounded in depth and count, no key twice, nothing left over, numbers finite.
struct JSONDocument {
  /// Deepest nesting of lists and maps.
  static let maximumDepth = 32
  /// Most values in a document.
  static let maximumValues = 100_000

  private let bytes: [UInt8]
  private var position = 0
  private var line = 1
  private var values = 0

  /// The document's value.
  static func parse(_ text: String) throws(ConfigurationProblems) -> ConfigurationValue {
    var document = JSONDocument(bytes: Array(text.utf8))
    let value = try document.value(depth: 0)
    document.skipBlanks()
    if let byte = document.peek { throw document.unexpected(byte, "the end of the document") }
    return value
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func value(depth: Int) throws(ConfigurationProblems) -> ConfigurationValue {
    skipBlanks()
    values += 1
    if values > JSONDocument.maximumValues { throw problem("has more than \(JSONDocument.maximumValues) values") }
    if depth > JSONDocument.maximumDepth { throw problem("nests deeper than \(JSONDocument.maximumDepth) levels") }
    let line = line
    switch peek {
    case UInt8(ascii: "{"): return ConfigurationValue(.map(try map(depth: depth)), line: line)
    case UInt8(ascii: "["): return ConfigurationValue(.list(try list(depth: depth)), line: line)
    case UInt8(ascii: "\""): return ConfigurationValue(.text(try text()), line: line)
    case .some: return try word()
    case nil: throw problem("ends where a value should stand")
    }
  }

  private mutating func map(depth: Int) throws(ConfigurationProblems) -> ConfigurationMap {
    position += 1
    var entries: [ConfigurationMap.Entry] = []
    var seen: Set<String> = []
    while true {
      skipBlanks()
      if entries.isEmpty, take("}") { break }
      guard peek == UInt8(ascii: "\"") else { throw unexpected(peek, "a key in double quotes") }
      let line = line
      let key = try text()
      guard seen.insert(key).inserted else { throw problem("the key \"\(key)\" stands twice in one map") }
      skipBlanks()
      guard take(":") else { throw unexpected(peek, "a colon") }
      entries.append(ConfigurationMap.Entry(key: key, value: try value(depth: depth + 1), line: line))
      skipBlanks()
      if take("}") { break }
      guard take(",") else { throw unexpected(peek, "a comma or }") }
    }
    return ConfigurationMap(entries)
  }

  private mutating func list(depth: Int) throws(ConfigurationProblems) -> [ConfigurationValue] {
    position += 1
    var items: [ConfigurationValue] = []
    while true {
      skipBlanks()
      if items.isEmpty, take("]") { break }
      items.append(try value(depth: depth + 1))
      skipBlanks()
      if take("]") { break }
      guard take(",") else { throw unexpected(peek, "a comma or ]") }
    }
    return items
  }

  /// true, false, null or a number.
  private mutating func word() throws(ConfigurationProblems) -> ConfigurationValue {
    let start = position
    while let byte = peek, byte > 0x20, !Array(",]}:\"[{".utf8).contains(byte) { position += 1 }
    let word = String(decoding: bytes[start..<position], as: UTF8.self)
    let content = PlainScalar.content(word)
    switch content {
    case .null where word == "null", .bool where word == "true" || word == "false":
      return ConfigurationValue(content, line: line, spelling: word)
    case .integer where JSONDocument.isNumber(word), .number where JSONDocument.isNumber(word):
      if case .number(let real) = content, !real.isFinite { throw problem("the number \(word) is too large") }
      return ConfigurationValue(content, line: line, spelling: word)
    default:
      if start == position { throw unexpected(peek, "a value") }
      throw problem("\"\(word.prefix(40))\" is not a JSON value; text stands in double quotes")
    }
  }

  /// JSON's numbers among those that YAML knows: no plus sign, no bare dot, no leading zeros, no other base.
  private static func isNumber(_ word: String) -> Bool {
    var digits = Substring(word).utf8[...]
    if digits.first == UInt8(ascii: "-") { digits.removeFirst() }
    let whole = digits.prefix { (0x30...0x39).contains($0) }
    guard let first = whole.first, whole.count == 1 || first != 0x30 else { return false }
    let rest = digits.dropFirst(whole.count)
    guard rest.first == UInt8(ascii: ".") else { return rest.first != UInt8(ascii: "x") && rest.first != 0x6f }
    return rest.dropFirst().first.map { (0x30...0x39).contains($0) } ?? false
  }

  private mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard peek == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func skipBlanks() {
    while let byte = peek, byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d {
      if byte == 0x0a { line += 1 }
      position += 1
    }
  }

  private func problem(_ message: String) -> ConfigurationProblems {
    ConfigurationProblems(line: line, keyPath: "", message: message)
  }

  private func unexpected(_ byte: UInt8?, _ wanted: String) -> ConfigurationProblems {
    guard let byte else { return problem("is not JSON: ends where \(wanted) should stand") }
    let found = (0x21...0x7e).contains(byte) ? "\"\(Unicode.Scalar(byte))\"" : "byte \(byte)"
    return problem("is not JSON: \(found) stands where \(wanted) should")
  }
}

// Text in quotes.
extension JSONDocument {
  fileprivate mutating func text() throws(ConfigurationProblems) -> String {
    position += 1
    var collected: [UInt8] = []
    while let byte = peek {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        return String(decoding: collected, as: UTF8.self)
      case UInt8(ascii: "\\"): try escape(into: &collected)
      case 0..<0x20:
        throw problem(
          "a control character stands in a text; write it as \\u00\(byte < 16 ? "0" : "")\(String(byte, radix: 16))")
      default: collected.append(byte)
      }
    }
    throw problem("ends in the middle of a text")
  }

  private mutating func escape(into collected: inout [UInt8]) throws(ConfigurationProblems) {
    guard let byte = peek else { throw problem("ends in the middle of a text") }
    position += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): collected.append(byte)
    case UInt8(ascii: "b"): collected.append(0x08)
    case UInt8(ascii: "f"): collected.append(0x0c)
    case UInt8(ascii: "n"): collected.append(0x0a)
    case UInt8(ascii: "r"): collected.append(0x0d)
    case UInt8(ascii: "t"): collected.append(0x09)
    case UInt8(ascii: "u"): collected += try Array(String(Character(scalar())).utf8)
    default: throw problem("an unknown escape stands in a text")
    }
  }

  /// The character of `\uXXXX`, or of two of them that are a surrogate pair.
  private mutating func scalar() throws(ConfigurationProblems) -> Unicode.Scalar {
    let first = try unit()
    if let scalar = Unicode.Scalar(first) { return scalar }
    guard first < 0xdc00, peek == UInt8(ascii: "\\"), position + 1 < bytes.count, bytes[position + 1] == 0x75 else {
      throw problem("half a surrogate pair stands in a text")
    }
    position += 2
    let second = try unit()
    guard (0xdc00...0xdfff).contains(second),
      let scalar = Unicode.Scalar(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
    else { throw problem("half a surrogate pair stands in a text") }
    return scalar
  }

  private mutating func unit() throws(ConfigurationProblems) -> UInt32 {
    var unit: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw problem("\\u wants four hexadecimal digits")
      }
      unit = unit << 4 | UInt32(digit)
      position += 1
    }
    return unit
  }
}
