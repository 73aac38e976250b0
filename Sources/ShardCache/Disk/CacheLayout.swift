import Codecs
import DatasetModel
import LinuxSystem

/// Where things lie below the cache's directory, and by which names Sluice knows its own.
///
///     lock                       the owner's process id
///     pins                       what an operator wants kept
///     shards/STREAM-ID/NAME-KEY/ one committed copy: data, data.zip, meta, meta.zip, record
///     staging/NAME-KEY.N/        downloads under way
///     quarantine/NAME-KEY.N/     copies that could not be trusted, and `reason`
struct CacheLayout: Sendable {
  static let record = "record"
  static let reason = "reason"
  /// Every file name that Sluice makes for a copy. Whatever else lies in a copy's directory is somebody else's.
  static let ownNames: Set<String> = ["data", "data.zip", "meta", "meta.zip", record, reason]
  /// `plans` and `manifests` are kept beside the shards by the daemon, and are its own business.
  static let topNames: Set<String> = [
    "lock", "pins", "pins.new", "shards", "staging", "quarantine", "plans", "manifests",
  ]

  let root: Directory
  let shards: Directory
  let staging: Directory
  let quarantine: Directory

  /// Opens the directory, making it and what belongs in it where they are missing.
  init(path: String) throws(SystemError) {
    root = try Directory.making(path: path)
    shards = try root.makeDirectory("shards", orOpen: true)
    staging = try root.makeDirectory("staging", orOpen: true)
    quarantine = try root.makeDirectory("quarantine", orOpen: true)
    try root.sync()
  }

  /// The directory of a stream's copies: readable, and told apart by a digest of the location.
  static func streamName(location: String) -> String {
    "\(readable(location, limit: 48))-\(Hexadecimal.encode(Digest.sha256(location.utf8).prefix(8)))"
  }

  /// A copy's directory: readable, and told apart by the key.
  static func copyName(_ name: String, _ key: ShardKey) -> String {
    "\(readable(name, limit: 80))-\(key.hexadecimal)"
  }

  /// The key in a name that `copyName` made, with a number appended or not; nil for any other name.
  static func key(inName name: String) -> ShardKey? {
    var stem = name[...]
    if let dot = name.lastIndex(of: "."), name[name.index(after: dot)...].allSatisfy({ $0.isASCII && $0.isNumber }),
      name.distance(from: dot, to: name.endIndex) > 1, name.distance(from: dot, to: name.endIndex) <= 10
    {
      stem = name[..<dot]
    }
    guard let dash = stem.lastIndex(of: "-") else { return nil }
    return ShardKey(hexadecimal: stem[stem.index(after: dash)...])
  }

  /// The end of `text` with everything but letters, digits, `.`, `_` and `-` made into `_`.
  private static func readable(_ text: String, limit: Int) -> String {
    let kept = text.utf8.map { byte -> UInt8 in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2e, 0x5f, 0x2d: byte
      default: 0x5f
      }
    }
    let end = kept.suffix(limit).drop { $0 == 0x2e || $0 == 0x5f || $0 == 0x2d }
    return end.isEmpty ? "x" : String(decoding: end, as: UTF8.self)
  }
}
