/// Bytes that stay where they are while a plan reads them: a mapped file, or an array.
public protocol PlanBytes: Sendable {
  /// Number of bytes.
  var count: Int { get }
  /// Calls `body` with all the bytes, valid during the call; they must not change while the value lives.
  func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result
}

/// Bytes in an array.
public struct ArrayBytes: PlanBytes {
  private let bytes: [UInt8]

  /// Bytes of an array.
  public init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Number of bytes.
  public var count: Int { bytes.count }

  /// Calls `body` with all the bytes.
  public func withBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    bytes.withUnsafeBytes { body($0) }
  }
}
