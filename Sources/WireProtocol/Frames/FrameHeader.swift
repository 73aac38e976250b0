/// The 16 bytes before every payload.
public struct FrameHeader: Hashable, Sendable {
  /// Bytes of a header.
  public static let byteCount = 16

  /// Bytes of the payload that follows.
  public let length: UInt32
  /// A `FrameKind`, or a number that this version does not know.
  public let kind: UInt16
  /// File descriptors attached to the frame's first byte.
  public let descriptors: UInt16
  /// Chosen by the client, repeated in the reply; 0 belongs to no request.
  public let request: UInt64

  public init(length: UInt32, kind: UInt16, descriptors: UInt16 = 0, request: UInt64) {
    self.length = length
    self.kind = kind
    self.descriptors = descriptors
    self.request = request
  }

  /// Reads the first 16 of `bytes`, of which there must be as many. Any 16 bytes are a header; whether it is a good
  /// one the receiver's gate says.
  public init(bytes: UnsafeRawBufferPointer) {
    precondition(bytes.count >= Self.byteCount, "a header has 16 bytes")
    length = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 0, as: UInt32.self))
    kind = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt16.self))
    descriptors = UInt16(littleEndian: bytes.loadUnaligned(fromByteOffset: 6, as: UInt16.self))
    request = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
  }
}
