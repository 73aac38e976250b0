/// The compressions that Mosaic's writers know (formats.md §6).
public enum CompressionFamily: String, CaseIterable, Sendable {
  /// Brotli, a raw stream.
  case br
  case bz2
  /// gzip, RFC 1952.
  case gz
  /// A raw snappy block, not the framed format.
  case snappy
  case zstd

  /// The levels a writer may ask for; nil where the format has none.
  public var levels: ClosedRange<Int>? {
    switch self {
    case .br: 0...11
    case .bz2: 1...9
    case .gz: 0...9
    case .snappy: nil
    case .zstd: 1...22
    }
  }

  /// The level meant by the bare name; 0 where the format has none.
  public var defaultLevel: Int {
    switch self {
    case .br: 11
    case .bz2, .gz: 9
    case .snappy: 0
    case .zstd: 3
    }
  }

  var levelsInWords: String {
    guard let levels else { return "it has none" }
    return "levels are \(levels.lowerBound) to \(levels.upperBound)"
  }
}

/// A compression as an index or a writer's options name it: `zstd`, `gz:6`.
///
/// Decompression ignores the level.
public struct Compression: Hashable, Sendable, CustomStringConvertible {
  public let family: CompressionFamily
  /// The level to compress with; 0 for snappy.
  public let level: Int
  /// The text as given; an index repeats it unchanged.
  public let text: String

  /// Reads `family` or `family:level`.
  public init(parsing text: String) throws(CodecError) {
    let parts = text.utf8.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
    guard let name = parts.first, let family = CompressionFamily(rawValue: String(Substring(name))) else {
      throw .unknownCompression(text: text)
    }
    self.family = family
    self.text = text
    guard parts.count == 2 else {
      level = family.defaultLevel
      return
    }
    let written = String(Substring(parts[1]))
    // The reference compares texts, so "+3", "03" and " 3" are no levels.
    guard let level = Int(written), String(level) == written, family.levels?.contains(level) == true else {
      throw .unknownLevel(family: family, level: written)
    }
    self.level = level
  }

  public var description: String { text }

  /// What may be written, for messages.
  static var forms: [String] {
    CompressionFamily.allCases.map { family in
      guard let levels = family.levels else { return family.rawValue }
      return "\(family.rawValue)[:\(levels.lowerBound)-\(levels.upperBound)]"
    }
  }
}
