import Codecs

/// Turns one value of a row into the bytes that its column's encoding stores, as the reference does for what Python's
/// JSON reader gives.
enum ValueEncoder {
  /// Appends the bytes of `value`.
  ///
  /// - Throws: what is wrong, without row and column.
  static func append(
    _ value: JSONValue, as encoding: ColumnEncoding, to bytes: inout [UInt8]
  ) throws(ValueFault) {
    switch encoding {
    case .json: bytes += value.dumped
    case .str:
      guard case .text(let text) = value else { throw ValueFault("expected text, found \(value.kind)") }
      bytes += Array(text.utf8)
    case .bytes, .jpeg, .png:
      guard case .text(let text) = value, let decoded = Base64.decode(text) else {
        throw ValueFault("expected bytes as base64 text")
      }
      bytes += decoded
    case .int: try appendInteger(value, bits: 64, isSigned: true, to: &bytes)
    case .integer(let bits, let isSigned): try appendInteger(value, bits: bits, isSigned: isSigned, to: &bytes)
    case .float(let bits): appendFloat(try number(value), bits: bits, to: &bytes)
    case .textInteger: bytes += Array(try integerText(value).utf8)
    case .textFloat: bytes += Array(PythonText.float(try number(value)).utf8)
    case .textDecimal: bytes += Array(try decimalText(value).utf8)
    case .array(let form): try ArrayEncoder.append(value, form, to: &bytes)
    }
  }

  static func appendInteger(
    _ value: JSONValue, bits: Int, isSigned: Bool, to bytes: inout [UInt8]
  ) throws(ValueFault) {
    let text = try integerText(value)
    let pattern: UInt64
    if isSigned {
      guard let number = Int64(text), number >> (bits - 1) == 0 || number >> (bits - 1) == -1 else {
        throw ValueFault("\(quoted(text)) does not fit in int\(bits)")
      }
      pattern = UInt64(bitPattern: number)
    } else {
      guard let number = UInt64(text), bits == 64 || number >> bits == 0 else {
        throw ValueFault("\(quoted(text)) does not fit in uint\(bits)")
      }
      pattern = number
    }
    withUnsafeBytes(of: pattern.littleEndian) { bytes += $0.prefix(bits / 8) }
  }

  static func appendFloat(_ value: Double, bits: Int, to bytes: inout [UInt8]) {
    switch bits {
    case 16: withUnsafeBytes(of: Float16(value).bitPattern.littleEndian) { bytes += $0 }
    case 32: withUnsafeBytes(of: Float(value).bitPattern.littleEndian) { bytes += $0 }
    default: withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
    }
  }

  /// A whole number's digits. Python counts booleans as whole numbers.
  static func integerText(_ value: JSONValue) throws(ValueFault) -> String {
    switch value {
    case .integer(let text): return text
    case .bool(let flag): return flag ? "1" : "0"
    default: throw ValueFault("expected a whole number, found \(value.kind)")
    }
  }

  static func number(_ value: JSONValue) throws(ValueFault) -> Double {
    switch value {
    case .number(let number): return number
    case .integer(let text):
      guard let number = Double(text), number.isFinite else {
        throw ValueFault("\(quoted(text)) is too large for a float")
      }
      return number
    default: throw ValueFault("expected a number, found \(value.kind)")
    }
  }

  /// Decimals come as text, so that no digit is lost, or as whole numbers.
  private static func decimalText(_ value: JSONValue) throws(ValueFault) -> String {
    switch value {
    case .integer(let text): return text
    case .text(let text):
      guard DecimalText.isCanonical(text) else { throw ValueFault("\(quoted(text)) is no decimal number") }
      return text
    default: throw ValueFault("expected a decimal number as text, found \(value.kind)")
    }
  }
}

/// What is wrong with one value.
struct ValueFault: Error {
  let message: String

  init(_ message: String) { self.message = message }
}

/// Python's decimals as text.
enum DecimalText {
  /// Whether `text` is a decimal in the form in which Python's `str` writes one: `-1.10`, `1E+3`.
  static func isCanonical(_ text: String) -> Bool {
    var rest = text.utf8[...]
    if rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
    let mantissa = rest.prefix { $0 != UInt8(ascii: "E") }
    let parts = mantissa.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count <= 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(isDigit) }) else { return false }
    rest = rest.dropFirst(mantissa.count)
    guard !rest.isEmpty else { return true }
    let power = rest.dropFirst()
    guard power.first == UInt8(ascii: "+") || power.first == UInt8(ascii: "-") else { return false }
    return power.count > 1 && power.dropFirst().allSatisfy(isDigit)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
}
