/// Encoded samples, one after another in one buffer.
struct SampleBatch: Sendable {
  var bytes: [UInt8] = []
  var lengths: [Int] = []
}

/// Puts the values of one row together as a sample, again and again (formats.md §2).
struct SampleBuilder {
  let columns: [PackColumn]
  private(set) var batch = SampleBatch()
  /// The current row's values; nil where the row has none yet.
  private var values: [[UInt8]?]

  init(columns: [PackColumn]) {
    self.columns = columns
    values = Array(repeating: nil, count: columns.count)
  }

  /// Gives the current row's value of a column, already encoded. Of two values the last one counts.
  mutating func set(_ column: Int, _ bytes: [UInt8]) { values[column] = bytes }

  mutating func set(_ column: Int, _ value: JSONValue, at place: RowPlace) throws(PackError) {
    var bytes: [UInt8] = []
    do throws(ValueFault) {
      try ValueEncoder.append(value, as: columns[column].encoding, to: &bytes)
    } catch {
      throw PackError(
        .input, "\(place): column \(quoted(columns[column].name)) (\(columns[column].encodingName)): \(error.message)")
    }
    values[column] = bytes
  }

  /// Ends the row.
  mutating func finishRow(at place: RowPlace) throws(PackError) {
    let start = batch.bytes.count
    var total = 0
    for (column, value) in zip(columns, values) {
      guard let value else { throw PackError(.input, "\(place): column \(quoted(column.name)) is missing") }
      total += value.count + (column.encoding.size == nil ? 4 : 0)
      guard total <= Int(UInt32.max) else {
        throw PackError(.limit, "\(place): the sample is larger than the 4 GiB that a shard can hold")
      }
    }
    for (column, value) in zip(columns, values) where column.encoding.size == nil {
      withUnsafeBytes(of: UInt32(value?.count ?? 0).littleEndian) { batch.bytes += $0 }
    }
    for position in values.indices {
      batch.bytes += values[position] ?? []
      values[position] = nil
    }
    let length = batch.bytes.count - start
    guard length > 0 else {
      throw PackError(.input, "\(place): the sample is empty, which no reader accepts")
    }
    batch.lengths.append(length)
  }
}

/// Where in the input a row is, for messages.
struct RowPlace: CustomStringConvertible, Sendable {
  let file: String
  /// Line, row or nothing.
  let number: Int?
  var unit = "line"

  var description: String { number.map { "\(file), \(unit) \($0)" } ?? file }
}
