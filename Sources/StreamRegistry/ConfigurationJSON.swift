extension ConfigurationValue {
  /// The value as JSON (RFC 8259) on one line, keys in the order in which they were written; what JSON has no number
  /// for (infinity) becomes null.
  ///
  /// Holds secrets if the value does: for pipes, never for logs.
  public var json: String {
    var text = ""
    appendJSON(to: &text)
    return text
  }

  private func appendJSON(to text: inout String) {
    switch content {
    case .null: text += "null"
    case .bool(let flag): text += flag ? "true" : "false"
    case .integer(let number): text += "\(number)"
    case .number(let number): text += number.isFinite ? "\(number)" : "null"
    case .text(let content): Self.appendQuoted(content, to: &text)
    case .list(let items):
      text += "["
      for (position, item) in items.enumerated() {
        if position > 0 { text += ", " }
        item.appendJSON(to: &text)
      }
      text += "]"
    case .map(let map):
      text += "{"
      for (position, entry) in map.entries.enumerated() {
        if position > 0 { text += ", " }
        Self.appendQuoted(entry.key, to: &text)
        text += ": "
        entry.value.appendJSON(to: &text)
      }
      text += "}"
    }
  }

  private static func appendQuoted(_ content: String, to text: inout String) {
    text += "\""
    for scalar in content.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20:
        text += "\\u00\(scalar.value < 16 ? "0" : "")\(String(scalar.value, radix: 16))"
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
