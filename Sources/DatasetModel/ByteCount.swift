/// A number of bytes written as Mosaic's users write it: `1073741824`, `64mb`, `1.5 GB`, `100gb`.
///
/// Source: formats.md §10. Suffixes are powers of 1024, case does not matter, blanks may stand before a suffix of two
/// letters; decimals need such a suffix.
public enum ByteCount {
  /// Bytes meant by `text`, or nil when it is not such a number, is negative or does not fit in 63 bits.
  public static func parse(_ text: String) -> Int? {
    let lowered = text.lowercased()
    for (power, suffix) in ["kb", "mb", "gb", "tb", "pb", "eb"].enumerated() where lowered.hasSuffix(suffix) {
      var number = lowered.dropLast(2)
      while number.last == " " { number = number.dropLast() }
      return scaled(String(number), unit: Double(1 << (10 * (power + 1))))
    }
    let digits = lowered.hasSuffix("b") ? String(lowered.dropLast()) : lowered
    guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(digits)
  }

  private static func scaled(_ number: String, unit: Double) -> Int? {
    guard !number.isEmpty, number.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2e }),
      let value = Double(number)
    else { return nil }
    return Int(exactly: (value * unit).rounded(.towardZero))
  }

  /// `bytes` for a person: `1.5 GiB`, `640 B`.
  public static func describe(_ bytes: Int) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    var value = Double(bytes)
    var unit = 0
    while value.magnitude >= 1024, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    if unit == 0 { return "\(bytes) B" }
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10) \(units[unit])"
  }
}
