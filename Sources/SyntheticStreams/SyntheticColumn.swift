/// A column whose values are made up.
struct SyntheticColumn: Sendable, Hashable {
  /// What its bytes are made of.
  enum Content: Sendable, Hashable {
    /// The sample's position in the stream.
    case position
    /// Any bytes.
    case bytes
    /// Lower-case letters and blanks.
    case letters
    /// Numbers of at least 0.5 and below 1, of so many bytes.
    case reals(width: Int)
  }

  let name: String
  /// MDS encoding; formats.md §3.
  let encoding: String
  let content: Content
  /// Bytes of every value; nil when they vary.
  let size: Int?

  /// A column of that encoding; nil when the encoding is none that values can be made up for.
  init?(name: String, encoding: String) {
    guard let (content, size) = Self.form(of: encoding) else { return nil }
    self.name = name
    self.encoding = encoding
    self.size = size
    self.content = name == "id" && size == 8 && content == .bytes ? .position : content
  }

  /// What can be made up, for a message.
  static let encodings =
    "bytes, str, int, int8 to int64, uint8 to uint64, float16 to float64, ndarray:float32:3,224,224"

  private static let elements: [String: (content: Content, size: Int)] = [
    "int8": (.bytes, 1), "uint8": (.bytes, 1), "int16": (.bytes, 2), "uint16": (.bytes, 2), "int32": (.bytes, 4),
    "uint32": (.bytes, 4), "int64": (.bytes, 8), "uint64": (.bytes, 8), "float16": (.reals(width: 2), 2),
    "float32": (.reals(width: 4), 4), "float64": (.reals(width: 8), 8),
  ]

  private static func form(of encoding: String) -> (content: Content, size: Int?)? {
    switch encoding {
    case "bytes": return (.bytes, nil)
    case "str": return (.letters, nil)
    case "int": return (.bytes, 8)
    default: break
    }
    if let element = elements[encoding] { return (element.content, element.size) }
    let parts = encoding.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "ndarray", let element = elements[String(parts[1])] else { return nil }
    var size = element.size
    for dimension in parts[2].split(separator: ",", omittingEmptySubsequences: false) {
      guard let count = Int(dimension), count > 0, dimension.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
        return nil
      }
      let (product, overflow) = size.multipliedReportingOverflow(by: count)
      guard !overflow, product <= 1 << 32 else { return nil }
      size = product
    }
    return (element.content, size)
  }
}
