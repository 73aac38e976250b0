import DatasetModel

/// Where in a sample's bytes each column's value lies.
///
/// The daemon serves samples whole; this is for checking them, and for tools.
public enum ColumnLayout {
  /// The ranges of an MDS sample's columns, in the schema's order (formats.md §2).
  ///
  /// Layout: u32 length of each column without fixed size, then all values.
  public static func ranges(
    ofSample sample: UnsafeRawBufferPointer, columns: [ColumnSchema]
  ) throws(SampleFault) -> [Range<Int>] {
    var lengthPosition = 0
    var position = 4 * columns.count { $0.size == nil }
    guard position <= sample.count else { throw .tooShort(bytes: sample.count, needed: position) }
    var ranges: [Range<Int>] = []
    ranges.reserveCapacity(columns.count)
    for column in columns {
      let length: Int
      if let size = column.size {
        length = size
      } else {
        length = Int(UInt32(littleEndian: sample.loadUnaligned(fromByteOffset: lengthPosition, as: UInt32.self)))
        lengthPosition += 4
      }
      guard length <= sample.count - position else { throw .columnTooLong(column: column.name, bytes: length) }
      ranges.append(position..<position + length)
      position += length
    }
    guard position == sample.count else { throw .unusedBytes(sample.count - position) }
    return ranges
  }

  /// The ranges of an XSV line's fields: its end dropped, split at the separator (formats.md §5).
  public static func ranges(
    ofLine line: UnsafeRawBufferPointer, separator: String, newline: String
  ) throws(SampleFault) -> [Range<Int>] {
    let (separator, newline) = (Array(separator.utf8), Array(newline.utf8))
    let end = line.count - newline.count
    guard end >= 0, line[end...].elementsEqual(newline) else { throw .noNewline }
    var ranges: [Range<Int>] = []
    var start = 0
    var position = 0
    while position <= end - separator.count {
      if line[position..<position + separator.count].elementsEqual(separator) {
        ranges.append(start..<position)
        position += separator.count
        start = position
      } else {
        position += 1
      }
    }
    ranges.append(start..<end)
    return ranges
  }
}

/// What is wrong with one sample's bytes.
public enum SampleFault: Error, Hashable, Sendable {
  case tooShort(bytes: Int, needed: Int)
  case columnTooLong(column: String, bytes: Int)
  /// The columns end before the sample does.
  case unusedBytes(Int)
  case noNewline
  case wrongFieldCount(found: Int, columns: Int)
  case notJSON(JSONFault)
  case missingColumn(String)
  /// A value that its encoding cannot have written.
  case badValue(column: String, encoding: String, reason: String)
}

extension SampleFault: CustomStringConvertible {
  public var description: String {
    switch self {
    case .tooShort(let bytes, let needed): "\(bytes) bytes are too few; the columns' lengths alone take \(needed)"
    case .columnTooLong(let column, let bytes): "column \(quoted(column)) of \(bytes) bytes runs past the sample's end"
    case .unusedBytes(let bytes): "\(bytes) bytes follow the last column"
    case .noNewline: "the line does not end with the newline that the index states"
    case .wrongFieldCount(let found, let columns): "\(found) fields for \(columns) columns"
    case .notJSON(let fault): "the line is not JSON: \(fault)"
    case .missingColumn(let column): "column \(quoted(column)) is missing"
    case .badValue(let column, let encoding, let reason): "column \(quoted(column)) (\(encoding)): \(reason)"
    }
  }
}
