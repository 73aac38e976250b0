/// Where in a raw snappy block a decoder stands.
enum SnappyElement {
  /// In the varint of the block's length, after `bytes` of its bytes.
  case length(bytes: Int, value: Int)
  /// The length is known.
  case sized(Int)
  /// Before an element's first byte.
  case tag
  /// In the bytes that follow a tag: `wanted` of them, `value` read so far (little-endian).
  case operand(Operand, wanted: Int, read: Int, value: Int)
  /// `left` bytes of the input go to the output as they are.
  case literal(left: Int)
  /// `left` bytes repeat those `distance` back.
  case copy(distance: Int, left: Int)
  /// The block is complete.
  case done

  /// What a tag's further bytes mean.
  enum Operand {
    /// The literal's length less one.
    case literalLength
    /// The copy's distance; `high` are the bits above the operand's.
    case distance(high: Int, length: Int)
  }

  /// The longest varint a length of 32 bits needs.
  private static let lengthBytes = 5

  /// Where the decoder stands after `byte`. Only for the states that read single bytes.
  func next(_ byte: UInt8) throws(CodecError) -> SnappyElement {
    switch self {
    case .length(let bytes, let value):
      let sum = value | Int(byte & 0x7f) << (7 * bytes)
      if byte & 0x80 != 0 {
        guard bytes + 1 < Self.lengthBytes else { throw .corrupt(.snappy, detail: "its length has too many bytes") }
        return .length(bytes: bytes + 1, value: sum)
      }
      guard sum <= Int(UInt32.max) else { throw .corrupt(.snappy, detail: "its length is over 32 bits") }
      return .sized(sum)
    case .tag: return Self.element(tag: Int(byte))
    case .operand(let operand, let wanted, let read, let value):
      let sum = value | Int(byte) << (8 * read)
      if read + 1 < wanted { return .operand(operand, wanted: wanted, read: read + 1, value: sum) }
      switch operand {
      case .literalLength: return .literal(left: sum + 1)
      case .distance(let high, let length): return .copy(distance: high | sum, left: length)
      }
    case .sized, .literal, .copy, .done:
      preconditionFailure("this state reads no single byte")
    }
  }

  private static func element(tag: Int) -> SnappyElement {
    let high = tag >> 2
    switch tag & 3 {
    case 0:
      if high < 60 { return .literal(left: high + 1) }
      return .operand(.literalLength, wanted: high - 59, read: 0, value: 0)
    case 1:
      return .operand(.distance(high: (tag >> 5) << 8, length: (high & 7) + 4), wanted: 1, read: 0, value: 0)
    case 2: return .operand(.distance(high: 0, length: high + 1), wanted: 2, read: 0, value: 0)
    default: return .operand(.distance(high: 0, length: high + 1), wanted: 4, read: 0, value: 0)
    }
  }
}
