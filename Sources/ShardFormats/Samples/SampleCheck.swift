import DatasetModel

/// Checks that a sample can be decoded, without decoding it: what each encoding cannot have written is a fault.
///
/// Source: formats.md §3–§5. Pixels, pickles and encodings of the user's own are not looked into.
public enum SampleCheck {
  /// The first fault of a sample, if it has one.
  public static func fault(of sample: UnsafeRawBufferPointer, schema: StreamSchema) -> SampleFault? {
    do throws(SampleFault) {
      switch schema.format {
      case .mds:
        let ranges = try ColumnLayout.ranges(ofSample: sample, columns: schema.columns)
        for (column, range) in zip(schema.columns, ranges) {
          let value = UnsafeRawBufferPointer(rebasing: sample[range])
          if let reason = ValueCheck.fault(of: value, encoding: column.encoding) {
            throw .badValue(column: column.name, encoding: column.encoding, reason: reason)
          }
        }
      case .json: try checkLine(sample, schema)
      case .separated(_, let separator):
        let ranges = try ColumnLayout.ranges(
          ofLine: sample, separator: separator, newline: schema.newline ?? "\n")
        guard ranges.count == schema.columns.count else {
          throw .wrongFieldCount(found: ranges.count, columns: schema.columns.count)
        }
        for (column, range) in zip(schema.columns, ranges) {
          let value = UnsafeRawBufferPointer(rebasing: sample[range])
          if let reason = ValueCheck.faultOfField(value, encoding: column.encoding) {
            throw .badValue(column: column.name, encoding: column.encoding, reason: reason)
          }
        }
      }
      return nil
    } catch { return error }
  }

  /// A line must be an object that has the columns.
  private static func checkLine(_ line: UnsafeRawBufferPointer, _ schema: StreamSchema) throws(SampleFault) {
    var missing = Set(schema.columns.map(\.name))
    do throws(JSONFault) {
      var cursor = JSONCursor(line)
      try cursor.expect(UInt8(ascii: "{"), "an object")
      if try !cursor.take(UInt8(ascii: "}")) {
        repeat {
          missing.remove(try cursor.string().value(in: line))
          try cursor.expect(UInt8(ascii: ":"), "\":\"")
          try cursor.skip(allowingNaN: true)
        } while try cursor.take(UInt8(ascii: ","))
        try cursor.expect(UInt8(ascii: "}"), "\",\" or \"}\"")
      }
      if cursor.hasMore { throw .expected("the end of the line") }
    } catch { throw .notJSON(error) }
    if let name = missing.min() { throw .missingColumn(name) }
  }
}

extension JSONCursor {
  /// Whether anything but white space follows.
  package var hasMore: Bool {
    var copy = self
    do throws(JSONFault) { _ = try copy.peek() } catch { return false }
    return true
  }
}
