import LinuxSystem

/// Rows from `.npy` files: a row of the array each, or of a one-dimensional array so many elements each.
struct ArraySource: RowSource {
  let columns: [PackColumn]
  let totalBytes: Int
  /// Elements at the ends of one-dimensional arrays that fill no whole sample.
  private let droppedElements: Int
  private let files: [ArrayFile]
  private let rowBytes: Int
  private var current = 0
  private var row = 0

  /// - Parameters:
  ///   - column: the column's name.
  ///   - elementsPerSample: needed for, and only for, arrays of one dimension.
  init(paths: [String], column: String, elementsPerSample: Int?) throws(PackError) {
    var files: [ArrayFile] = []
    for path in paths { files.append(try ArrayFile(path: path)) }
    guard let first = files.first else { throw PackError(.options, "there is no .npy file to pack") }
    var shape = Array(first.shape.dropFirst())
    if shape.isEmpty {
      guard let count = elementsPerSample else {
        throw PackError(.options, "\(first.path) has one dimension; say with --tokens-per-sample how to cut it")
      }
      guard count > 0 else { throw PackError(.options, "--tokens-per-sample must be at least 1") }
      shape = [count]
    } else if elementsPerSample != nil {
      throw PackError(.options, "\(first.path) has rows already; --tokens-per-sample is for arrays of one dimension")
    }
    var dropped = 0
    for file in files {
      guard file.kind == first.kind, file.shape.count == first.shape.count,
        Array(file.shape.dropFirst()) == Array(first.shape.dropFirst())
      else { throw PackError(.input, "\(file.path) has another type or shape than \(first.path)") }
      if file.shape.count == 1 { dropped += file.shape[0] % shape[0] }
    }
    let form = NDArrayForm(kind: first.kind, shape: shape)
    guard let parsed = NDArrayForm(form.name), let bytes = parsed.size else {
      throw PackError(.limit, "rows of \(shape.map(String.init).joined(separator: "×")) elements are too large")
    }
    columns = [PackColumn(column, form.name, .array(form))]
    rowBytes = bytes
    droppedElements = dropped
    self.files = files
    totalBytes = files.reduce(0) { $0 + $1.bytes }
  }

  var remarks: [String] {
    if droppedElements == 0 { return [] }
    let files = files.count == 1 ? "the array" : "the arrays"
    return ["\(droppedElements) elements at the end of \(files) fill no whole sample and were left out"]
  }

  mutating func next() throws(PackError) -> (any RowBatch)? {
    while current < files.count {
      let file = files[current]
      let rows = file.bytes / rowBytes
      if row < rows {
        let count = min(rows - row, max(1, RowLimits.batchBytes / rowBytes))
        defer { row += count }
        return ArrayBatch(file: file, offset: file.offset + row * rowBytes, rowBytes: rowBytes, rows: count)
      }
      current += 1
      row = 0
    }
    return nil
  }
}

struct ArrayBatch: RowBatch {
  let file: ArrayFile
  let offset: Int
  let rowBytes: Int
  let rows: Int

  var inputBytes: Int { rows * rowBytes }

  /// A column of fixed size alone is the sample.
  func encode(_ columns: [PackColumn]) throws(PackError) -> SampleBatch {
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try file.file.read(count: rows * rowBytes, at: offset)
    } catch { throw PackError(.system, "\(file.path): \(error)") }
    guard bytes.count == rows * rowBytes else { throw PackError(.system, "\(file.path) became shorter while packing") }
    return SampleBatch(bytes: bytes, lengths: Array(repeating: rowBytes, count: rows))
  }
}
