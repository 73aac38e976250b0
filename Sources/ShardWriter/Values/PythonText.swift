/// Text exactly as Python's `json.dumps` and `repr` write it, which the reference's writer uses.
enum PythonText {
  private static let digits = Array("0123456789abcdef".utf8)

  /// A JSON string: ASCII only, everything else as `\u` escapes of its UTF-16 units.
  static func appendString(_ text: some StringProtocol, to bytes: inout [UInt8]) {
    bytes.append(UInt8(ascii: "\""))
    for unit in text.utf16 {
      switch unit {
      case 0x22: bytes += Array(#"\""#.utf8)
      case 0x5c: bytes += Array(#"\\"#.utf8)
      case 0x0a: bytes += Array(#"\n"#.utf8)
      case 0x0d: bytes += Array(#"\r"#.utf8)
      case 0x09: bytes += Array(#"\t"#.utf8)
      case 0x08: bytes += Array(#"\b"#.utf8)
      case 0x0c: bytes += Array(#"\f"#.utf8)
      case 0x20...0x7f: bytes.append(UInt8(unit))
      default:
        bytes += Array(#"\u"#.utf8)
        for shift in [12, 8, 4, 0] as [UInt16] { bytes.append(digits[Int(unit >> shift & 15)]) }
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// `repr` of a float: the shortest digits that read back, an exponent below 1e-4 and from 1e16 on.
  static func float(_ value: Double) -> String {
    if value.isNaN { return "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    if value == 0 { return value.sign == .minus ? "-0.0" : "0.0" }
    let (digits, exponent) = shortest(value.magnitude)
    let sign = value < 0 ? "-" : ""
    // The value is 0.DIGITS × 10^exponent; Python's rule looks at the position of the first digit.
    if exponent > 16 || exponent < -3 {
      let power = exponent - 1
      let mantissa = digits.count == 1 ? digits : "\(digits.prefix(1)).\(digits.dropFirst())"
      let written = power.magnitude < 10 ? "0\(power.magnitude)" : "\(power.magnitude)"
      return "\(sign)\(mantissa)e\(power < 0 ? "-" : "+")\(written)"
    }
    if exponent <= 0 { return "\(sign)0." + String(repeating: "0", count: -exponent) + digits }
    if digits.count <= exponent {
      return sign + digits + String(repeating: "0", count: exponent - digits.count) + ".0"
    }
    return "\(sign)\(digits.prefix(exponent)).\(digits.dropFirst(exponent))"
  }

  /// As `json.dumps` writes a float: NaN and the infinities under their JavaScript names.
  static func jsonFloat(_ value: Double) -> String {
    if value.isNaN { return "NaN" }
    if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
    return float(value)
  }

  /// The digits of a finite positive value without zeros at either end, and where the point stands before them.
  private static func shortest(_ value: Double) -> (digits: String, exponent: Int) {
    // Swift's description has the shortest digits too; only where it puts point and exponent differs.
    var text = Substring(value.description)
    var exponent = 0
    if let mark = text.firstIndex(of: "e") {
      exponent = Int(text[text.index(after: mark)...]) ?? 0
      text = text[..<mark]
    }
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    let whole = parts[0]
    var digits = whole + (parts.count > 1 ? parts[1] : "")
    exponent += whole.count
    while digits.hasPrefix("0") {
      digits.removeFirst()
      exponent -= 1
    }
    while digits.hasSuffix("0") { digits.removeLast() }
    return (String(digits), exponent)
  }
}
