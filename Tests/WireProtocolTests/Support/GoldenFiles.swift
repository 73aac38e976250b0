import SystemPackage

/// The golden frames in Tests/Fixtures/wire, found beside the sources.
enum GoldenFiles {
  private static func read(_ name: String, file: String = #filePath) throws -> [UInt8] {
    let tests = file.split(separator: "/").dropLast(3).joined(separator: "/")
    let descriptor = try FileDescriptor.open(FilePath("/\(tests)/Fixtures/wire/\(name)"), .readOnly)
    return try descriptor.closeAfter {
      var bytes: [UInt8] = []
      var part = [UInt8](repeating: 0, count: 1 << 16)
      while true {
        let count = try part.withUnsafeMutableBytes { try descriptor.read(into: $0) }
        if count == 0 { return bytes }
        bytes.append(contentsOf: part[..<count])
      }
    }
  }

  /// One frame, or for a refused one all that leads to it.
  static func frame(_ name: String) throws -> [UInt8] { try read("\(name).frame") }

  /// What the index says of a refused frame.
  struct Refused: Sendable, CustomStringConvertible {
    let name: String
    let isRequest: Bool
    let code: UInt16
    var description: String { name }
  }

  /// Names of the good frames, as the index lists them. The index is read by its indentation, one key a line, as its
  /// generator writes it.
  static func names() throws -> [String] {
    try lines().compactMap { key(of: $0, depth: 2) }.filter { !$0.hasPrefix("refused-") }
  }

  static func refused() throws -> [Refused] {
    var found: [Refused] = []
    var name: String?
    var isRequest = false
    for line in try lines() {
      if let key = key(of: line, depth: 2) { name = key.hasPrefix("refused-") ? key : nil }
      guard let name, let field = key(of: line, depth: 3) else { continue }
      let value = line.drop { $0 != ":" }.dropFirst(2)
      if field == "direction" { isRequest = value.hasPrefix("\"request\"") }
      if field == "error", let code = UInt16(value.prefix { $0.isNumber }) {
        found.append(Refused(name: name, isRequest: isRequest, code: code))
      }
    }
    return found
  }

  private static func lines() throws -> [Substring] {
    String(decoding: try read("index.json"), as: UTF8.self).split(separator: "\n")
  }

  /// The key that `line` begins if it lies `depth` levels deep.
  private static func key(of line: Substring, depth: Int) -> String? {
    let indentation = line.prefix { $0 == " " }
    guard indentation.count == depth, line.dropFirst(depth).first == "\"" else { return nil }
    return String(line.dropFirst(depth + 1).prefix { $0 != "\"" })
  }
}
