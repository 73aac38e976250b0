import ShardFormats

/// Splits the rows of a CSV or TSV text into fields.
struct FieldReader {
  let bytes: [UInt8]
  let separator: UInt8
  let quote: UInt8?
  /// Line of the row that comes next.
  private(set) var line: Int
  private(set) var position = 0

  init(bytes: [UInt8], separator: UInt8, quote: UInt8?, line: Int) {
    self.bytes = bytes
    self.separator = separator
    self.quote = quote
    self.line = line
  }

  /// The next row that is not blank; nil at the end.
  mutating func next(_ path: String) throws(PackError) -> [[UInt8]]? {
    while position < bytes.count, isLineEnd(bytes[position]) {
      if bytes[position] == UInt8(ascii: "\n") { line += 1 }
      position += 1
    }
    guard position < bytes.count else { return nil }
    var fields: [[UInt8]] = []
    repeat { fields.append(try field(path)) } while takeSeparator()
    takeLineEnd()
    return fields
  }

  private func isLineEnd(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") }

  private mutating func takeSeparator() -> Bool {
    guard position < bytes.count, bytes[position] == separator else { return false }
    position += 1
    return true
  }

  private mutating func takeLineEnd() {
    if position < bytes.count, bytes[position] == UInt8(ascii: "\r") { position += 1 }
    if position < bytes.count, bytes[position] == UInt8(ascii: "\n") {
      position += 1
      line += 1
    }
  }

  private mutating func field(_ path: String) throws(PackError) -> [UInt8] {
    if let quote, position < bytes.count, bytes[position] == quote { return try quotedField(quote, path) }
    let start = position
    while position < bytes.count, bytes[position] != separator, bytes[position] != UInt8(ascii: "\n") {
      position += 1
    }
    // The \r of a line end belongs to it; one inside a line is data.
    if position < bytes.count, bytes[position] == UInt8(ascii: "\n"), position > start,
      bytes[position - 1] == UInt8(ascii: "\r")
    {
      position -= 1
    }
    return Array(bytes[start..<position])
  }

  private mutating func quotedField(_ quote: UInt8, _ path: String) throws(PackError) -> [UInt8] {
    let first = line
    position += 1
    var field: [UInt8] = []
    while position < bytes.count {
      let byte = bytes[position]
      position += 1
      if byte == quote {
        if position < bytes.count, bytes[position] == quote {
          position += 1
        } else {
          guard position == bytes.count || bytes[position] == separator || isLineEnd(bytes[position]) else {
            throw PackError(.input, "\(path), line \(line): text follows a field's closing quote")
          }
          return field
        }
      } else if byte == UInt8(ascii: "\n") {
        line += 1
      }
      field.append(byte)
    }
    throw PackError(.input, "\(path), line \(first): a quoted field is never closed")
  }
}

/// What the text of a field means to an encoding.
enum FieldValue {
  static func of(_ text: String, for encoding: ColumnEncoding) -> JSONValue {
    switch encoding {
    case .str, .bytes, .jpeg, .png, .textDecimal: return .text(text)
    case .int, .integer, .textInteger: return isInteger(text) ? .integer(text) : .text(text)
    case .float, .textFloat: return Double(text).map { .number($0) } ?? .text(text)
    case .json, .array:
      let bytes = Array(text.utf8) + [UInt8(ascii: "\n")]
      return bytes.withUnsafeBytes { bytes in
        var cursor = JSONCursor(bytes)
        do throws(JSONFault) {
          let value = try JSONValue(&cursor)
          try cursor.expectEnd()
          return value
        } catch { return .text(text) }
      }
    }
  }

  /// Digits as Python writes whole numbers: no leading zeros, no plus.
  private static func isInteger(_ text: String) -> Bool {
    let digits = text.utf8.first == UInt8(ascii: "-") ? text.utf8.dropFirst() : text.utf8[...]
    guard let first = digits.first, digits.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) else {
      return false
    }
    return first != UInt8(ascii: "0") || text == "0"
  }
}
