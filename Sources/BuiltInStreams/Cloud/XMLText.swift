/// Just enough XML for the listings of object stores: elements without attributes, by name, with their five entities.
enum XMLText {
  /// The contents of every element `name`, in order, nested ones of the same name not expected.
  static func elements(_ name: String, in text: some StringProtocol) -> [String] {
    let bytes = Array(text.utf8)
    let open = Array("<\(name)>".utf8)
    let close = Array("</\(name)>".utf8)
    var found: [String] = []
    var place = 0
    while let start = position(of: open, in: bytes, from: place),
      let end = position(of: close, in: bytes, from: start + open.count)
    {
      found.append(String(decoding: bytes[(start + open.count)..<end], as: UTF8.self))
      place = end + close.count
    }
    return found
  }

  /// The text of the first element `name`.
  static func element(_ name: String, in text: some StringProtocol) -> String? {
    elements(name, in: text).first.map(decode)
  }

  private static func position(of wanted: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
    guard bytes.count >= wanted.count else { return nil }
    var place = start
    while place <= bytes.count - wanted.count {
      if bytes[place] == wanted[0], bytes[place..<(place + wanted.count)].elementsEqual(wanted) { return place }
      place += 1
    }
    return nil
  }

  static func decode(_ text: String) -> String {
    guard text.contains("&") else { return text }
    var result = ""
    var rest = text[...]
    while let mark = rest.firstIndex(of: "&") {
      result += rest[..<mark]
      rest = rest[mark...]
      guard let end = rest.firstIndex(of: ";"), let character = entity(rest[rest.index(after: rest.startIndex)..<end])
      else {
        result += "&"
        rest = rest.dropFirst()
        continue
      }
      result.append(character)
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }

  private static func entity(_ name: Substring) -> Character? {
    switch name {
    case "amp": return "&"
    case "lt": return "<"
    case "gt": return ">"
    case "quot": return "\""
    case "apos": return "'"
    default:
      guard name.hasPrefix("#") else { return nil }
      let digits = name.dropFirst()
      let code = digits.hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
      return code.flatMap(Unicode.Scalar.init).map(Character.init)
    }
  }
}
