/// Why bytes are not the JSON (RFC 8259) that was expected.
public enum JSONFault: Error, Hashable, Sendable {
  /// The text stops in the middle.
  case unexpectedEnd
  /// Something else stands where `expected` should.
  case expected(String)
  /// A string holds a raw control character.
  case controlCharacter
  /// A string holds an escape that JSON does not know, or half a surrogate pair.
  case badEscape
  /// A string is not UTF-8.
  case invalidUTF8
  /// A number is not a whole one, or not written as JSON writes it.
  case notWhole
  /// A number does not fit in 63 bits.
  case tooLarge
  /// Arrays and objects nest deeper than `JSONCursor.maximumDepth`.
  case tooDeep
}

extension JSONFault: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unexpectedEnd: "the text stops in the middle"
    case .expected(let what): "expected \(what)"
    case .controlCharacter: "a string holds a raw control character"
    case .badEscape: "a string holds an escape that JSON does not have, or half a surrogate pair"
    case .invalidUTF8: "a string is not valid UTF-8"
    case .notWhole: "expected a whole number"
    case .tooLarge: "the number does not fit in 63 bits"
    case .tooDeep: "values nest deeper than \(JSONCursor.maximumDepth)"
    }
  }
}
