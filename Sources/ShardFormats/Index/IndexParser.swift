import DatasetModel

/// Turns a stream's index.json, or those of its subdirectories in order, into one manifest.
///
/// Strict as formats.md §1: an unknown or missing key, an unsafe name, a size that cannot be true is an error that names
/// stream, document, shard and field. Memory is the manifest's, and with `add(subdirectory:read:)` one window of the
/// document beside it.
public struct IndexParser: Sendable {
  /// Largest record of a shard, and largest unknown value in a document.
  public static let maximumRecordBytes = 16 << 20
  /// Bytes of a document that are looked at together.
  static let windowBytes = 1 << 20

  public let stream: StreamName
  /// How many bad records to collect before giving up.
  private let faultLimit: Int
  /// The bad records found so far, when `collectingFaults` asked for them; their shards are not in the manifest.
  public private(set) var faults: [IndexError] = []
  private var assembly = ManifestAssembly()

  /// - Parameter collectingFaults: 0 to stop at the first bad record, as a daemon must; more to find up to so many.
  public init(stream: StreamName, collectingFaults: Int = 0) {
    self.stream = stream
    faultLimit = collectingFaults
  }

  /// Adds the shards of one document.
  ///
  /// - Parameter subdirectory: what its names are relative to, below the stream's root; "" for the root.
  public mutating func add(_ document: [UInt8], subdirectory: String = "") throws(IndexError) {
    var reader = try IndexDocumentReader(stream: stream, subdirectory: subdirectory)
    try document.withUnsafeBufferPointer { (bytes) throws(IndexError) in
      _ = try consume(UnsafeRawBufferPointer(bytes), isLast: true, &reader)
    }
    try reader.finish()
  }

  /// Adds the shards of one document that `read` delivers: it fills the buffer and answers the number of bytes, 0 at the
  /// document's end.
  public mutating func add<Failure: Error>(
    subdirectory: String = "", read: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(IndexFailure<Failure>) {
    let window = GrowingWindow(bytes: Self.windowBytes)
    var reader = try IndexFailure<Failure>.of { () throws(IndexError) in
      try IndexDocumentReader(stream: stream, subdirectory: subdirectory)
    }
    while true {
      if window.room.isEmpty, !window.grow(limit: 2 * Self.maximumRecordBytes) {
        let fault = IndexFault.limit("bytes of one record", limit: Self.maximumRecordBytes)
        throw .index(
          IndexError(stream: stream, subdirectory: subdirectory, shard: reader.records, field: nil, fault: fault))
      }
      let count: Int
      do throws(Failure) { count = try read(window.room) } catch { throw .io(error) }
      window.filled += count
      let used = try IndexFailure<Failure>.of { () throws(IndexError) in
        try consume(window.contents, isLast: count == 0, &reader)
      }
      window.drop(used)
      if count == 0 { break }
    }
    try IndexFailure<Failure>.of { () throws(IndexError) in try reader.finish() }
  }

  /// The manifest of everything added.
  public consuming func finish() -> StreamManifest { assembly.finish() }

  private mutating func consume(
    _ window: UnsafeRawBufferPointer, isLast: Bool, _ reader: inout IndexDocumentReader
  ) throws(IndexError) -> Int {
    var found = faults
    defer { faults = found }
    let limit = faultLimit
    return try reader.consume(window, isLast: isLast, into: &assembly) { fault in
      guard found.count < limit else { return false }
      found.append(fault)
      return true
    }
  }
}

/// Bytes of a document that have been read and not yet used.
private final class GrowingWindow {
  private var memory: UnsafeMutableRawBufferPointer
  var filled = 0

  init(bytes: Int) { memory = .allocate(byteCount: bytes, alignment: 16) }

  deinit { memory.deallocate() }

  var contents: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<filled]) }
  var room: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(rebasing: memory[filled...]) }

  /// Doubles the window; false when it would pass `limit`.
  func grow(limit: Int) -> Bool {
    guard memory.count * 2 <= limit else { return false }
    let larger = UnsafeMutableRawBufferPointer.allocate(byteCount: memory.count * 2, alignment: 16)
    larger.copyMemory(from: contents)
    memory.deallocate()
    memory = larger
    return true
  }

  /// Forgets the first `count` bytes.
  func drop(_ count: Int) {
    let rest = UnsafeRawBufferPointer(rebasing: memory[count..<filled])
    if !rest.isEmpty { memory.copyMemory(from: rest) }
    filled -= count
  }
}

/// An index that is wrong, or could not be read.
public enum IndexFailure<IOFailure: Error>: Error {
  case index(IndexError)
  /// The caller's `read` threw.
  case io(IOFailure)

  /// Runs `body`, wrapping what it throws.
  fileprivate static func of<Value>(_ body: () throws(IndexError) -> Value) throws(IndexFailure) -> Value {
    do throws(IndexError) { return try body() } catch { throw .index(error) }
  }
}

extension IndexFailure: CustomStringConvertible {
  public var description: String {
    switch self {
    case .index(let error): error.description
    case .io(let error): "\(error)"
    }
  }
}

/// The manifest of a stream whose shards one document describes.
///
/// - Parameter subdirectory: what the document's names are relative to, below the stream's root; "" for the root.
public func parseIndex(
  _ document: [UInt8], stream: StreamName, subdirectory: String = ""
) throws(IndexError) -> StreamManifest {
  try parseIndexes([(subdirectory, document)], stream: stream)
}

/// The manifest of a stream that is a set of subdirectories, each with its own index.json, in the order given.
public func parseIndexes(
  _ documents: [(subdirectory: String, bytes: [UInt8])], stream: StreamName
) throws(IndexError) -> StreamManifest {
  var parser = IndexParser(stream: stream)
  for document in documents { try parser.add(document.bytes, subdirectory: document.subdirectory) }
  return parser.finish()
}
