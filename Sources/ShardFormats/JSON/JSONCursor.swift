/// Pulls JSON values out of bytes one at a time, without building a tree.
///
/// The cursor never reads outside `bytes`. After an error its position is where the fault lies.
package struct JSONCursor {
  /// How deep values may nest; an index needs four.
  package static let maximumDepth = 64

  package let bytes: UnsafeRawBufferPointer
  package var position: Int

  package init(_ bytes: UnsafeRawBufferPointer, at position: Int = 0) {
    self.bytes = bytes
    self.position = position
  }

  /// The next byte that is not white space, left unread.
  package mutating func peek() throws(JSONFault) -> UInt8 {
    while position < bytes.count {
      let byte = bytes[position]
      guard byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return byte }
      position += 1
    }
    throw .unexpectedEnd
  }

  /// Reads `byte` if it comes next.
  package mutating func take(_ byte: UInt8) throws(JSONFault) -> Bool {
    guard try peek() == byte else { return false }
    position += 1
    return true
  }

  /// Reads `byte`, which must come next.
  package mutating func expect(_ byte: UInt8, _ what: @autoclosure () -> String) throws(JSONFault) {
    guard try take(byte) else { throw .expected(what()) }
  }

  /// Reads `null` if it comes next.
  package mutating func takeNull() throws(JSONFault) -> Bool {
    guard try peek() == UInt8(ascii: "n") else { return false }
    try literal("null")
    return true
  }

  /// A string: where it lies between its quotes, checked to be valid JSON and UTF-8.
  package mutating func string() throws(JSONFault) -> JSONText {
    try expect(UInt8(ascii: "\""), "a string")
    let start = position
    var hasEscapes = false
    var isASCII = true
    while position < bytes.count {
      let byte = bytes[position]
      if byte == UInt8(ascii: "\"") {
        let text = JSONText(start: start, end: position, hasEscapes: hasEscapes)
        if !isASCII || hasEscapes { try text.check(in: bytes) }
        position += 1
        return text
      }
      if byte == UInt8(ascii: "\\") {
        hasEscapes = true
        position += 1
      } else if byte < 0x20 {
        throw .controlCharacter
      } else if byte >= 0x80 {
        isASCII = false
      }
      position += 1
    }
    throw .unexpectedEnd
  }

  /// A whole number as JSON writes it: no fraction, no exponent, no leading zeros.
  package mutating func integer() throws(JSONFault) -> Int {
    let isNegative = try take(UInt8(ascii: "-"))
    let start = position
    var value = 0
    while position < bytes.count {
      let digit = bytes[position] &- UInt8(ascii: "0")
      guard digit <= 9 else { break }
      let (product, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, carry) = product.subtractingReportingOverflow(Int(digit))
      guard !overflow, !carry, isNegative || sum > Int.min else { throw .tooLarge }
      value = sum
      position += 1
    }
    // A number at the very end of the text may go on in what has not been read yet; no index ends in a number.
    guard position < bytes.count else { throw .unexpectedEnd }
    guard position > start else { throw .expected("a whole number") }
    guard bytes[start] != UInt8(ascii: "0") || position == start + 1 else { throw .notWhole }
    switch bytes[position] {
    case UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"): throw .notWhole
    default: return isNegative ? value : -value
    }
  }

  /// Passes over any value, checking that it is JSON, or with `allowingNaN` what Python takes for it.
  package mutating func skip(depth: Int = 0, allowingNaN: Bool = false) throws(JSONFault) {
    guard depth < Self.maximumDepth else { throw .tooDeep }
    switch try peek() {
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "{"):
      position += 1
      if try take(UInt8(ascii: "}")) { return }
      repeat {
        _ = try string()
        try expect(UInt8(ascii: ":"), "\":\"")
        try skip(depth: depth + 1, allowingNaN: allowingNaN)
      } while try take(UInt8(ascii: ","))
      try expect(UInt8(ascii: "}"), "\",\" or \"}\"")
    case UInt8(ascii: "["):
      position += 1
      if try take(UInt8(ascii: "]")) { return }
      repeat { try skip(depth: depth + 1, allowingNaN: allowingNaN) } while try take(UInt8(ascii: ","))
      try expect(UInt8(ascii: "]"), "\",\" or \"]\"")
    case UInt8(ascii: "t"): try literal("true")
    case UInt8(ascii: "f"): try literal("false")
    case UInt8(ascii: "n"): try literal("null")
    case UInt8(ascii: "N") where allowingNaN: try literal("NaN")
    case UInt8(ascii: "I") where allowingNaN: try literal("Infinity")
    case UInt8(ascii: "-") where allowingNaN && position + 1 < bytes.count && bytes[position + 1] == UInt8(ascii: "I"):
      try literal("-Infinity")
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try skipNumber()
    default: throw .expected("a value")
    }
  }

  private mutating func skipNumber() throws(JSONFault) {
    _ = try take(UInt8(ascii: "-"))
    let start = position
    try digits()
    guard bytes[start] != UInt8(ascii: "0") || position == start + 1 else { throw .expected("a number") }
    if bytes[position] == UInt8(ascii: ".") {
      position += 1
      try digits()
    }
    if bytes[position] == UInt8(ascii: "e") || bytes[position] == UInt8(ascii: "E") {
      position += 1
      guard position < bytes.count else { throw .unexpectedEnd }
      if bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") { position += 1 }
      try digits()
    }
  }

  /// At least one digit, and a byte after them.
  private mutating func digits() throws(JSONFault) {
    let start = position
    while position < bytes.count, bytes[position] &- UInt8(ascii: "0") <= 9 { position += 1 }
    guard position < bytes.count else { throw .unexpectedEnd }
    guard position > start else { throw .expected("a digit") }
  }

  private mutating func literal(_ text: StaticString) throws(JSONFault) {
    for offset in 0..<text.utf8CodeUnitCount {
      guard position < bytes.count else { throw .unexpectedEnd }
      guard bytes[position] == text.utf8Start[offset] else { throw .expected("\(text)") }
      position += 1
    }
  }
}
