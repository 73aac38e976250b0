import DatasetModel

/// An index.json that cannot be used: where in it, and why.
public struct IndexError: Error, Hashable, Sendable {
  public let stream: StreamName
  /// The subdirectory whose index.json it is; "" for the stream's root.
  public let subdirectory: String
  /// Position of the record in that document's `shards`; nil when the document as a whole is at fault.
  public let shard: Int?
  /// The field as a path: `raw_data.basename`, `column_sizes[2]`.
  public let field: String?
  public let fault: IndexFault

  public init(stream: StreamName, subdirectory: String, shard: Int? = nil, field: String? = nil, fault: IndexFault) {
    self.stream = stream
    self.subdirectory = subdirectory
    self.shard = shard
    self.field = field
    self.fault = fault
  }
}

extension IndexError: CustomStringConvertible {
  public var description: String {
    let document = subdirectory.isEmpty ? "index.json" : "\(subdirectory)/index.json"
    let place = [shard.map { "shard \($0)" }, field].compactMap { $0 }.map { ", \($0)" }.joined()
    return "stream \"\(stream)\", \(document)\(place): \(fault)"
  }
}

/// What is wrong with an index.json (formats.md §1).
public enum IndexFault: Error, Hashable, Sendable {
  /// Not JSON, or not the kind of value that belongs here; `offset` in bytes from the document's beginning.
  case json(JSONFault, offset: Int)
  /// Bytes follow the document's end.
  case trailingBytes(offset: Int)
  case missingKey
  case unknownKey
  case duplicateKey
  /// The only version there is is 2.
  case unsupportedVersion(Int)
  case unknownFormat(String)
  /// Codecs' message about a compression's name.
  case unknownCompression(String)
  /// A compressed file in a record that states no compression.
  case compressionMissing
  /// Not in what the format can carry.
  case outOfRange(value: Int, allowed: ClosedRange<Int>)
  case badSizeLimit
  case unsafeName(String, PathFault)
  case noColumns
  /// The parallel lists of a record have different lengths.
  case differentLengths(columns: Int, found: Int)
  case duplicateColumn(String)
  /// JSON and XSV know str, int and float.
  case unknownTextEncoding(String)
  case emptyText
  /// Not lower-case hexadecimal of the algorithm's length.
  case badDigest(algorithm: String)
  /// The file is too short for that many samples.
  case tooManySamples(samples: Int, bytes: Int)
  case limit(String, limit: Int)
}

extension IndexFault: CustomStringConvertible {
  public var description: String {
    switch self {
    case .json(let fault, let offset): "\(fault) (byte \(offset))"
    case .trailingBytes(let offset): "bytes follow the end of the document (byte \(offset))"
    case .missingKey: "the key is missing"
    case .unknownKey: "no such key exists in this format"
    case .duplicateKey: "the key appears twice"
    case .unsupportedVersion(let version): "version \(version) is not supported; the format's version is 2"
    case .unknownFormat(let name): "unknown format \(quoted(name)); known are mds, json, csv, tsv, xsv"
    case .unknownCompression(let message): message
    case .compressionMissing: "the shard has a compressed file, so \"compression\" must name how"
    case .outOfRange(let value, let allowed): "\(value) is not in \(allowed.lowerBound)...\(allowed.upperBound)"
    case .badSizeLimit: "expected null, a number of bytes, or text such as \"64mb\""
    case .unsafeName(let name, let fault): "\(quoted(name)) \(fault)"
    case .noColumns: "a shard has at least one column"
    case .differentLengths(let columns, let found): "\(found) entries for \(columns) columns"
    case .duplicateColumn(let name): "two columns are called \(quoted(name))"
    case .unknownTextEncoding(let name): "\(quoted(name)) is no encoding of a text format; those are str, int, float"
    case .emptyText: "must not be empty"
    case .badDigest(let algorithm): "not a lower-case hexadecimal \(algorithm) digest"
    case .tooManySamples(let samples, let bytes): "\(samples) samples cannot lie in a file of \(bytes) bytes"
    case .limit(let what, let limit): "more than the \(limit) \(what) that are supported"
    }
  }
}
