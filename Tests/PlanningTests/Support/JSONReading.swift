@testable import Planning

/// Reading fixtures: what a value is, or nil.
extension JSONValue {
  subscript(_ name: String) -> JSONValue? {
    guard case .object(let members) = self, let member = members[name], member != .null else { return nil }
    return member
  }

  var elements: [JSONValue]? { if case .array(let elements) = self { elements } else { nil } }
  var text: String? { if case .string(let text) = self { text } else { nil } }
  var double: Double? {
    switch self {
    case .number(let number): number
    case .integer(let integer): Double(integer)
    default: nil
    }
  }

  /// An integer, given as a number or in decimal digits.
  var integer: Int? {
    switch self {
    case .integer(let integer): integer
    case .string(let digits): Int(digits)
    default: nil
    }
  }

  /// A 64-bit word, given as a number or in decimal digits.
  var word: UInt64? {
    switch self {
    case .integer(let integer): UInt64(bitPattern: Int64(integer))
    case .string(let digits): UInt64(digits) ?? Int64(digits).map { UInt64(bitPattern: $0) }
    default: nil
    }
  }

  /// A number in hexadecimal digits after `0x`.
  var hexadecimal: UInt64? { text.flatMap { UInt64($0.dropFirst(2), radix: 16) } }
}
