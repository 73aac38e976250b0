import StreamRegistry

/// What an unquoted word of a YAML file means.
///
/// Source: YAML 1.2's core schema. So `yes`, `no`, `on` and `off` are text, and `0660` is the number 660, kept with its
/// spelling for keys that mean octal by it.
enum PlainScalar {
  /// The content of the plain scalar `word`.
  static func content(_ word: String) -> ConfigurationValue.Content {
    switch word {
    case "", "~", "null", "Null", "NULL": return .null
    case "true", "True", "TRUE": return .bool(true)
    case "false", "False", "FALSE": return .bool(false)
    case ".nan", ".NaN", ".NAN": return .number(.nan)
    case ".inf", ".Inf", ".INF", "+.inf": return .number(.infinity)
    case "-.inf", "-.Inf", "-.INF": return .number(-.infinity)
    default: return number(word) ?? .text(word)
    }
  }

  private static func number(_ word: String) -> ConfigurationValue.Content? {
    if word.hasPrefix("0o"), let octal = Int(word.dropFirst(2), radix: 8), !word.hasPrefix("0o-") {
      return .integer(octal)
    }
    if word.hasPrefix("0x"), let hexadecimal = Int(word.dropFirst(2), radix: 16), !word.hasPrefix("0x-") {
      return .integer(hexadecimal)
    }
    guard isDecimal(word) else { return nil }
    if let whole = Int(word) { return .integer(whole) }
    return Double(word).map { .number($0) }
  }

  /// Whether `word` is `[-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )?`.
  private static func isDecimal(_ word: String) -> Bool {
    var rest = Substring(word).utf8[...]
    if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { rest.removeFirst() }
    let whole = takeDigits(&rest)
    var fraction = 0
    if rest.first == UInt8(ascii: ".") {
      rest.removeFirst()
      fraction = takeDigits(&rest)
    }
    guard whole + fraction > 0 else { return false }
    if let mark = rest.first, mark == UInt8(ascii: "e") || mark == UInt8(ascii: "E") {
      rest.removeFirst()
      if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { rest.removeFirst() }
      guard takeDigits(&rest) > 0 else { return false }
    }
    return rest.isEmpty
  }

  private static func takeDigits(_ rest: inout Substring.UTF8View) -> Int {
    let digits = rest.prefix { (0x30...0x39).contains($0) }.count
    rest = rest.dropFirst(digits)
    return digits
  }
}
