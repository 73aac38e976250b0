/// The canonical text of a description, and reading it back.
extension OrderDescription {
  /// The canonical text: equal descriptions have equal texts.
  ///
  /// `sluice-order 1`, then `option NAME VALUE` and `stream NAME choose N proportion P shards N samples N contents HEX`,
  /// a line each. Names are percent-encoded, a proportion is the double's bits in hexadecimal.
  public var text: String {
    var lines = ["sluice-order \(Self.version)"]
    lines += options.map { "option \($0.name) \($0.value)" }
    lines += streams.map {
      "stream \(Self.encode($0.name)) choose \($0.choose) proportion \(String($0.proportion.bitPattern, radix: 16)) "
        + "shards \($0.shards) samples \($0.samples) contents \($0.contents)"
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Why a text is not a description.
  public enum TextError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It is of another version, or no description.
    case version(String)
    /// A line cannot be read.
    case line(Int, String)

    /// What is wrong, and where.
    public var description: String {
      switch self {
      case .version(let found):
        "'\(found)' is not 'sluice-order \(OrderDescription.version)': another version of Sluice described the order"
      case .line(let number, let text): "line \(number) of the order's description cannot be read: '\(text)'"
      }
    }
  }

  /// Reads a canonical text.
  public init(text: String) throws(TextError) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: true).map(String.init)
    guard let first = lines.first, first == "sluice-order \(Self.version)" else { throw .version(lines.first ?? "") }
    var options: [Option] = []
    var streams: [Stream] = []
    for (number, line) in lines.enumerated().dropFirst() {
      let words = line.split(separator: " ").map(String.init)
      if words.count == 3, words[0] == "option" {
        options.append(Option(name: words[1], value: words[2]))
      } else if let stream = Self.stream(words) {
        streams.append(stream)
      } else {
        throw .line(number + 1, line)
      }
    }
    self.init(options: options, streams: streams)
  }

  private static func stream(_ words: [String]) -> Stream? {
    let labels = ["stream", "choose", "proportion", "shards", "samples", "contents"]
    guard words.count == 12, stride(from: 0, to: 12, by: 2).map({ words[$0] }) == labels,
      let name = decode(words[1]), let choose = Int(words[3]), let bits = UInt64(words[5], radix: 16),
      let shards = Int(words[7]), let samples = Int(words[9])
    else { return nil }
    return Stream(
      name: name, choose: choose, proportion: Double(bitPattern: bits), shards: shards, samples: samples,
      contents: words[11])
  }

  private static func encode(_ name: String) -> String {
    var text = ""
    for byte in name.utf8 {
      let isPlain = byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "%")
      text += isPlain ? String(UnicodeScalar(byte)) : "%" + [byte].hexadecimal
    }
    return text.isEmpty ? "%" : text
  }

  private static func decode(_ text: String) -> String? {
    if text == "%" { return "" }
    let bytes = Array(text.utf8)
    var decoded: [UInt8] = []
    var at = 0
    while at < bytes.count {
      if bytes[at] == UInt8(ascii: "%") {
        guard at + 2 < bytes.count,
          let byte = UInt8(String(decoding: bytes[(at + 1)...(at + 2)], as: UTF8.self), radix: 16)
        else { return nil }
        decoded.append(byte)
        at += 3
      } else {
        decoded.append(bytes[at])
        at += 1
      }
    }
    return String(validating: decoded, as: UTF8.self)
  }
}
