import Codecs
import DatasetModel

/// What lies beside a copy's files, so that they can be checked at the next start without the stream's index.
///
/// Lines of text, the last one a digest of all before it:
///
///     sluice shard 1
///     key 0f…
///     stream c4
///     name shard.00000.mds
///     verified xxh64
///     file data 1048576 xxh64=0123456789abcdef
///     end 8c2f…
struct ShardRecord: Sendable, Hashable {
  /// What a record is counted as: a block of the file system.
  static let chargedBytes = 4096

  struct File: Sendable, Hashable {
    /// `data`, `data.zip`, `meta`, `meta.zip`.
    let name: String
    let bytes: Int
    /// Digest by algorithm, as the index has it; at most one.
    let hash: [String: String]
  }

  let key: ShardKey
  let stream: StreamName
  /// The shard's name: its data file's basename.
  let name: String
  /// The digests that were checked.
  var verified: Set<String>
  let files: [File]

  var facts: ShardFacts {
    let bytes = files.reduce(Self.chargedBytes) { $0 + $1.bytes }
    return ShardFacts(stream: stream, name: name, residentBytes: bytes, peakBytes: bytes)
  }

  /// The record's text; nil when it would not fit in what it is counted as.
  var encoded: [UInt8]? {
    var text = "sluice shard 1\nkey \(key.hexadecimal)\nstream \(Self.escaped(stream.rawValue))\n"
    text += "name \(Self.escaped(name))\nverified \(verified.sorted().joined(separator: ","))\n"
    for file in files {
      text += "file \(file.name) \(file.bytes)"
      for (algorithm, digest) in file.hash.sorted(by: { $0.key < $1.key }) { text += " \(algorithm)=\(digest)" }
      text += "\n"
    }
    text += "end \(Self.checksum(text))\n"
    let bytes = Array(text.utf8)
    return bytes.count <= Self.chargedBytes ? bytes : nil
  }

  init(key: ShardKey, stream: StreamName, name: String, verified: Set<String>, files: [File]) {
    self.key = key
    self.stream = stream
    self.name = name
    self.verified = verified
    self.files = files
  }

  /// Reads a record; nil when it is not one, or not whole.
  init?(decoding bytes: [UInt8]) {
    guard bytes.count <= Self.chargedBytes else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    guard lines.count >= 7, lines.last == "", lines[0] == "sluice shard 1" else { return nil }
    let end = lines[lines.count - 2]
    let body = text.dropLast(end.count + 1)
    guard end == "end \(Self.checksum(String(body)))",
      let key = Self.value("key", lines[1]).flatMap({ ShardKey(hexadecimal: $0) }),
      let stream = Self.value("stream", lines[2]), let name = Self.value("name", lines[3]),
      let verified = Self.value("verified", lines[4])
    else { return nil }
    var files: [File] = []
    for line in lines[5..<(lines.count - 2)] {
      guard let file = Self.file(line) else { return nil }
      files.append(file)
    }
    self.init(
      key: key, stream: StreamName(Self.unescaped(stream)), name: Self.unescaped(name),
      verified: Set(verified.split(separator: ",").map(String.init)), files: files)
  }

  private static func file(_ line: Substring) -> File? {
    let parts = line.split(separator: " ")
    guard parts.count >= 3, parts[0] == "file", CacheLayout.ownNames.contains(String(parts[1])),
      let bytes = Int(parts[2]), bytes >= 0
    else { return nil }
    var hash: [String: String] = [:]
    for part in parts.dropFirst(3) {
      let pair = part.split(separator: "=", maxSplits: 1)
      guard pair.count == 2 else { return nil }
      hash[String(pair[0])] = String(pair[1])
    }
    return File(name: String(parts[1]), bytes: bytes, hash: hash)
  }

  private static func value(_ word: String, _ line: Substring) -> Substring? {
    line.hasPrefix("\(word) ") ? line.dropFirst(word.count + 1) : nil
  }

  private static func checksum(_ text: String) -> String {
    Hexadecimal.encode(Digest.sha256(text.utf8).prefix(8))
  }

  static func escaped(_ text: String) -> String {
    text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
  }

  static func unescaped(_ text: Substring) -> String {
    var plain = ""
    var isEscape = false
    for character in text {
      if isEscape {
        plain.append(character == "n" ? "\n" : character)
        isEscape = false
      } else if character == "\\" {
        isEscape = true
      } else {
        plain.append(character)
      }
    }
    return plain
  }
}
