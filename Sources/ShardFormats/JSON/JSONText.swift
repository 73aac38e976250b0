/// A string of a JSON text, by where it lies between its quotes.
package struct JSONText {
  package let start: Int
  package let end: Int
  package let hasEscapes: Bool

  /// Whether the string is `text`, which must be ASCII without quotes and backslashes.
  package func equals(_ text: StaticString, in bytes: UnsafeRawBufferPointer) -> Bool {
    if hasEscapes { return value(in: bytes) == "\(text)" }
    guard end - start == text.utf8CodeUnitCount else { return false }
    for offset in 0..<end - start where bytes[start + offset] != text.utf8Start[offset] { return false }
    return true
  }

  /// The bytes of the string as they are written; those of its value when it has no escapes.
  package func written(in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[start..<end])
  }

  /// The string's value. The string has been checked.
  package func value(in bytes: UnsafeRawBufferPointer) -> String {
    guard hasEscapes else { return String(decoding: bytes[start..<end], as: UTF8.self) }
    return String(decoding: unescaped(in: bytes) ?? [], as: UTF8.self)
  }

  /// The UTF-8 bytes of the string's value.
  package func valueBytes(in bytes: UnsafeRawBufferPointer) -> [UInt8] {
    guard hasEscapes else { return Array(bytes[start..<end]) }
    return unescaped(in: bytes) ?? []
  }

  func check(in bytes: UnsafeRawBufferPointer) throws(JSONFault) {
    guard let value = hasEscapes ? unescaped(in: bytes) : Array(bytes[start..<end]) else { throw .badEscape }
    guard String(validating: value, as: UTF8.self) != nil else { throw .invalidUTF8 }
  }

  private func unescaped(in bytes: UnsafeRawBufferPointer) -> [UInt8]? {
    var value: [UInt8] = []
    value.reserveCapacity(end - start)
    var position = start
    while position < end {
      let byte = bytes[position]
      position += 1
      guard byte == UInt8(ascii: "\\") else {
        value.append(byte)
        continue
      }
      guard position < end else { return nil }
      let escape = bytes[position]
      position += 1
      switch escape {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): value.append(escape)
      case UInt8(ascii: "b"): value.append(0x08)
      case UInt8(ascii: "f"): value.append(0x0c)
      case UInt8(ascii: "n"): value.append(0x0a)
      case UInt8(ascii: "r"): value.append(0x0d)
      case UInt8(ascii: "t"): value.append(0x09)
      case UInt8(ascii: "u"):
        guard let scalar = scalar(in: bytes, at: &position) else { return nil }
        value.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
      default: return nil
      }
    }
    return value
  }

  /// The character of `\uXXXX` (position is after the u), or of two of them that are a surrogate pair.
  private func scalar(in bytes: UnsafeRawBufferPointer, at position: inout Int) -> Unicode.Scalar? {
    guard let first = unit(in: bytes, at: &position) else { return nil }
    guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first) }
    guard end - position >= 2, bytes[position] == UInt8(ascii: "\\"), bytes[position + 1] == UInt8(ascii: "u") else {
      return nil
    }
    position += 2
    guard let second = unit(in: bytes, at: &position), UTF16.isTrailSurrogate(second) else { return nil }
    return Unicode.Scalar(0x10000 + (UInt32(first) & 0x3ff) << 10 + UInt32(second) & 0x3ff)
  }

  private func unit(in bytes: UnsafeRawBufferPointer, at position: inout Int) -> UInt16? {
    guard end - position >= 4 else { return nil }
    var unit: UInt16 = 0
    for _ in 0..<4 {
      let character = bytes[position]
      position += 1
      let value: UInt8
      switch character {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = character - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): value = character - UInt8(ascii: "A") + 10
      default: return nil
      }
      unit = unit << 4 | UInt16(value)
    }
    return unit
  }
}
