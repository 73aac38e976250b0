/// Percent-encoding of paths and query parts. Source: RFC 3986 §2; AWS Signature V4's `UriEncode`.
public enum PercentEncoding {
  /// `text` with every byte outside the unreserved set as %XX, "/" kept.
  public static func path(_ text: String) -> String { encode(text.utf8, keepingSlash: true) }

  /// `text` with every byte outside the unreserved set as %XX, "/" included.
  public static func component(_ text: String) -> String { encode(text.utf8, keepingSlash: false) }

  /// The bytes that `text` stands for; nil for a broken escape or bytes that are not UTF-8.
  public static func decode(_ text: some StringProtocol) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8.makeIterator()
    while let byte = rest.next() {
      guard byte == 0x25 else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.next().flatMap(nibble), let low = rest.next().flatMap(nibble) else { return nil }
      bytes.append(high << 4 | low)
    }
    return String(validating: bytes, as: UTF8.self)
  }

  private static let hexadecimal = Array("0123456789ABCDEF".utf8)

  private static func encode(_ bytes: some Sequence<UInt8>, keepingSlash: Bool) -> String {
    var result: [UInt8] = []
    for byte in bytes {
      if isUnreserved(byte) || (keepingSlash && byte == 0x2f) {
        result.append(byte)
      } else {
        result += [0x25, hexadecimal[Int(byte >> 4)], hexadecimal[Int(byte & 15)]]
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    RequestURL.isLetter(byte) || RequestURL.isDigit(byte) || [0x2d, 0x2e, 0x5f, 0x7e].contains(byte)
  }

  private static func nibble(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }
}
