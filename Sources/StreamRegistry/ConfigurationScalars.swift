import DatasetModel

// The scalar readers: each answers the value, or the default (or nothing) after noting what would be right.
extension ConfigurationReader {
  /// Text; never empty.
  public mutating func text(_ key: String) -> String? {
    guard let value = value(key) else { return nil }
    guard let text = value.text else {
      mismatch(key, value.spelling == nil ? "text" : "text (put it in quotes)", value)
      return nil
    }
    guard !text.isEmpty else {
      report(key, "is empty; give it a value or leave it out")
      return nil
    }
    return text
  }

  /// Text, or `otherwise` when absent.
  public mutating func text(_ key: String, default otherwise: String) -> String { text(key) ?? otherwise }

  /// Text that has to be there; `meaning` says what it is. Answers "" after noting that it is not.
  public mutating func requiredText(_ key: String, _ meaning: String) -> String {
    require(key, meaning)
    return text(key) ?? ""
  }

  /// Notes that `key` has to be there, if it is not; `meaning` says what it is.
  public mutating func require(_ key: String, _ meaning: String) {
    if value(key) == nil {
      let message = "\"\(key)\" is missing: \(meaning)"
      absorb([ConfigurationProblem(line: line(of: key), keyPath: path, message: message)])
    }
  }

  /// One of a set of words.
  public mutating func choice(_ key: String, of words: [String]) -> String? {
    guard let text = text(key) else { return nil }
    guard words.contains(text) else {
      report(
        key, "must be one of \(words.joined(separator: ", "))\(NearestName.hint(text, among: words))")
      return nil
    }
    return text
  }

  /// true or false.
  public mutating func boolean(_ key: String) -> Bool? {
    guard let value = value(key) else { return nil }
    guard case .bool(let flag) = value.content else {
      mismatch(key, "true or false", value)
      return nil
    }
    return flag
  }

  /// true or false, or `otherwise` when absent.
  public mutating func boolean(_ key: String, default otherwise: Bool) -> Bool { boolean(key) ?? otherwise }

  /// A whole number in `range`.
  public mutating func integer(_ key: String, in range: ClosedRange<Int> = Int.min...Int.max) -> Int? {
    guard let value = value(key) else { return nil }
    let wanted = "a whole number" + ConfigurationReader.bounds(range.lowerBound, range.upperBound)
    guard case .integer(let number) = value.content, range.contains(number) else {
      mismatch(key, wanted, value)
      return nil
    }
    return number
  }

  /// A whole number in `range`, or `otherwise` when absent.
  public mutating func integer(
    _ key: String, in range: ClosedRange<Int> = Int.min...Int.max, default otherwise: Int
  ) -> Int { integer(key, in: range) ?? otherwise }

  /// A finite number, whole or not, of at least `least`; `above` excludes `least` itself.
  public mutating func number(_ key: String, atLeast least: Double = -.infinity, above: Bool = false) -> Double? {
    guard let value = value(key) else { return nil }
    let number: Double? =
      switch value.content {
      case .integer(let whole): Double(whole)
      case .number(let real) where real.isFinite: real
      default: nil
      }
    guard let number, above ? number > least : number >= least else {
      let bound = least == -.infinity ? "" : above ? " above \(shortest(least))" : " of at least \(shortest(least))"
      mismatch(key, "a number" + bound, value)
      return nil
    }
    return number
  }

  /// Bytes as Mosaic writes them (`100gb`, `64mb`, `1073741824`); at least `least`.
  public mutating func bytes(_ key: String, atLeast least: Int = 0) -> Int? {
    guard let value = value(key) else { return nil }
    let bytes: Int? =
      switch value.content {
      case .integer(let whole): whole
      case .text(let text): ByteCount.parse(text)
      default: nil
      }
    guard let bytes, bytes >= least else {
      let bound = least > 0 ? " of at least \(ByteCount.describe(least))" : ""
      mismatch(key, "a number of bytes\(bound) (64mb, 100gb, 1073741824)", value)
      return nil
    }
    return bytes
  }

  /// Bytes, or `otherwise` when absent.
  public mutating func bytes(_ key: String, atLeast least: Int = 0, default otherwise: Int) -> Int {
    bytes(key, atLeast: least) ?? otherwise
  }

  /// Seconds: a number, or text with a unit (`250ms`, `90s`, `5m`, `1.5h`, `2d`); above 0 unless `zero` is allowed.
  public mutating func seconds(_ key: String, zero: Bool = false) -> Double? {
    guard let value = value(key) else { return nil }
    let seconds: Double? =
      switch value.content {
      case .integer(let whole): Double(whole)
      case .number(let real): real
      case .text(let text): ConfigurationReader.duration(text)
      default: nil
      }
    guard let seconds, seconds.isFinite, zero ? seconds >= 0 : seconds > 0 else {
      mismatch(key, "seconds\(zero ? "" : " above 0") (60, 0.5, 90s, 5m, 1h)", value)
      return nil
    }
    return seconds
  }

  /// Seconds, or `otherwise` when absent.
  public mutating func seconds(_ key: String, zero: Bool = false, default otherwise: Double) -> Double {
    seconds(key, zero: zero) ?? otherwise
  }

  /// A list of texts, none of them empty; empty when absent.
  public mutating func texts(_ key: String) -> [String] {
    guard let value = value(key) else { return [] }
    guard let items = value.list else {
      mismatch(key, "a list of texts", value)
      return []
    }
    var texts: [String] = []
    for (position, item) in items.enumerated() {
      guard let text = item.text, !text.isEmpty else {
        let message = "must be text, not \(item.text == nil ? item.form : "empty")"
        absorb([ConfigurationProblem(line: item.line, keyPath: "\(keyPath(key))[\(position)]", message: message)])
        continue
      }
      texts.append(text)
    }
    return texts
  }

  private static func bounds(_ least: Int, _ most: Int) -> String {
    switch (least == .min, most == .max) {
    case (true, true): ""
    case (false, true): " of at least \(least)"
    case (true, false): " of at most \(most)"
    case (false, false): " from \(least) to \(most)"
    }
  }

  private static func duration(_ text: String) -> Double? {
    let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]
    for (unit, scale) in units where text.hasSuffix(unit) {
      var digits = text.dropLast(unit.count)
      while digits.last == " " { digits = digits.dropLast() }
      guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2e }) else { return nil }
      return Double(String(digits)).map { $0 * scale }
    }
    return nil
  }

  private func shortest(_ number: Double) -> String {
    Int(exactly: number).map { "\($0)" } ?? "\(number)"
  }
}
