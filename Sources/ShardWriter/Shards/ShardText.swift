import Codecs

/// The JSON that a shard and its index carry, byte for byte as the reference writes it: sorted keys, ", " and ": ".
struct ShardText: Sendable {
  /// The writer's settings as they stand in every shard and every record, without braces.
  private let columns: String
  private let compression: String
  private let sizeLimit: String
  private let hashes: String

  init(columns: [PackColumn], options: ShardOptions) {
    let encodings = Self.list(columns.map(\.encodingName))
    let names = Self.list(columns.map(\.name))
    let sizes = columns.map { $0.encoding.size.map(String.init) ?? "null" }.joined(separator: ", ")
    self.columns = "\"column_encodings\": \(encodings), \"column_names\": \(names), \"column_sizes\": [\(sizes)]"
    compression = options.compression.map { Self.text($0.text) } ?? "null"
    sizeLimit = options.sizeLimit.map(String.init) ?? "null"
    hashes = Self.list(options.hashes)
  }

  /// The `config` in an MDS file's head.
  var configuration: String {
    "{\(columns), \"compression\": \(compression), \"format\": \"mds\", \"hashes\": \(hashes), "
      + "\"size_limit\": \(sizeLimit), \"version\": 2}"
  }

  /// A shard's record in index.json.
  func record(_ shard: WrittenShard) -> String {
    "{\(columns), \"compression\": \(compression), \"format\": \"mds\", \"hashes\": \(hashes), "
      + "\"raw_data\": \(Self.file(shard.raw)), \"samples\": \(shard.samples), \"size_limit\": \(sizeLimit), "
      + "\"version\": 2, \"zip_data\": \(shard.zip.map(Self.file) ?? "null")}"
  }

  private static func file(_ file: WrittenFile) -> String {
    let hashes = file.hashes.sorted { $0.key < $1.key }.map { "\(text($0.key)): \(text($0.value))" }
    return "{\"basename\": \(text(file.basename)), \"bytes\": \(file.bytes), "
      + "\"hashes\": {\(hashes.joined(separator: ", "))}}"
  }

  private static func list(_ texts: [String]) -> String { "[\(texts.map(text).joined(separator: ", "))]" }

  private static func text(_ text: String) -> String {
    var bytes: [UInt8] = []
    PythonText.appendString(text, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// A shard that has been written.
struct WrittenShard: Sendable {
  let number: Int
  let samples: Int
  let raw: WrittenFile
  let zip: WrittenFile?

  var storedBytes: Int { (zip ?? raw).bytes }
}

/// A file of it, as its record states it.
struct WrittenFile: Sendable {
  let basename: String
  let bytes: Int
  let hashes: [String: String]
}
