/// Where rows come from, in batches of some megabytes that are encoded on any thread.
///
/// `next` reads and cuts, quickly and in order; the work is in `RowBatch.encode`.
protocol RowSource: Sendable {
  /// What the rows are written as, in the format's order.
  var columns: [PackColumn] { get }

  /// Bytes of input in all, for the progress.
  var totalBytes: Int { get }

  /// What is not written although it is there, to be said in the end.
  var remarks: [String] { get }

  /// The next rows; nil at the end.
  mutating func next() throws(PackError) -> (any RowBatch)?
}

extension RowSource {
  var remarks: [String] { [] }
}

/// Some rows of the input, not yet encoded.
protocol RowBatch: Sendable {
  /// Bytes of the input that they take.
  var inputBytes: Int { get }

  func encode(_ columns: [PackColumn]) throws(PackError) -> SampleBatch
}

/// The sizes in which sources read.
enum RowLimits {
  /// Bytes of a batch, as far as rows allow.
  static let batchBytes = 4 << 20
  /// Longest row of a text file.
  static let rowBytes = 1 << 30
}
