/// The keys of a shard's record in index.json (formats.md §1).
enum RecordKey: Int, CaseIterable {
  case columnEncodings, columnNames, columnSizes, columns, compression, format, hashes, newline
  case rawData, rawMeta, samples, separator, sizeLimit, version, zipData, zipMeta

  var name: StaticString {
    switch self {
    case .columnEncodings: "column_encodings"
    case .columnNames: "column_names"
    case .columnSizes: "column_sizes"
    case .columns: "columns"
    case .compression: "compression"
    case .format: "format"
    case .hashes: "hashes"
    case .newline: "newline"
    case .rawData: "raw_data"
    case .rawMeta: "raw_meta"
    case .samples: "samples"
    case .separator: "separator"
    case .sizeLimit: "size_limit"
    case .version: "version"
    case .zipData: "zip_data"
    case .zipMeta: "zip_meta"
    }
  }

  /// The key that `text` spells, searched from where a record like the last one would have it.
  static func find(_ text: JSONText, in bytes: UnsafeRawBufferPointer, after last: RecordKey?) -> RecordKey? {
    let first = last.map { $0.rawValue + 1 } ?? 0
    for offset in 0..<allCases.count {
      guard let key = RecordKey(rawValue: (first + offset) % allCases.count) else { continue }
      if text.equals(key.name, in: bytes) { return key }
    }
    return nil
  }
}

/// A set of keys.
struct RecordKeys: OptionSet {
  let rawValue: UInt32

  init(rawValue: UInt32) { self.rawValue = rawValue }
  init(_ keys: RecordKey...) { rawValue = keys.reduce(0) { $0 | 1 << UInt32($1.rawValue) } }

  /// The keys that a record of `format` has, all of them and no others; nil when there is no such format.
  static func required(format: String) -> RecordKeys? {
    switch format {
    case "mds": common.union(lists).union(RecordKeys(.columnSizes))
    case "json": common.union(split).union(RecordKeys(.columns))
    case "csv", "tsv": common.union(split).union(lists)
    case "xsv": common.union(split).union(lists).union(RecordKeys(.separator))
    default: nil
    }
  }

  private static let common = RecordKeys(
    .version, .format, .samples, .compression, .hashes, .sizeLimit, .rawData, .zipData)
  private static let lists = RecordKeys(.columnNames, .columnEncodings)
  private static let split = RecordKeys(.newline, .rawMeta, .zipMeta)

  /// A key that is in the set, if there is one.
  var any: RecordKey? { RecordKey.allCases.first { contains(RecordKeys($0)) } }
}
