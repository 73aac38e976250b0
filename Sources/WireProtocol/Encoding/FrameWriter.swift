/// Writes frames, one behind another, into one buffer that can be used again without allocating.
public struct FrameWriter: Sendable {
  /// The frames written so far.
  public private(set) var bytes: [UInt8] = []

  /// - Parameter capacity: bytes to allocate beforehand.
  public init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

  /// Forgets the frames, keeps the memory.
  public mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  /// Writes one frame.
  ///
  /// - Parameters:
  ///   - request: the request's number.
  ///   - descriptors: how many file descriptors go with the frame.
  ///   - following: payload bytes that the caller sends right behind the buffer, gathered from elsewhere.
  public mutating func append(
    _ payload: some FramePayload, request: UInt64, descriptors: Int = 0, following: Int = 0
  ) {
    precondition(descriptors <= ProtocolLimits.descriptorsPerFrame, "too many descriptors for one frame")
    let start = bytes.count
    integer(UInt32(0))
    integer(payload.kind.rawValue)
    integer(UInt16(descriptors))
    integer(request)
    payload.encode(into: &self)
    let length = bytes.count - start - FrameHeader.byteCount + following
    precondition(length <= Int(UInt32.max), "a frame's length does not fit its header")
    withUnsafeBytes(of: UInt32(length).littleEndian) { field in
      for (index, byte) in field.enumerated() { bytes[start + index] = byte }
    }
  }

  mutating func integer(_ value: some FixedWidthInteger & BitwiseCopyable) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func int(_ value: Int) { integer(Int64(value)) }

  mutating func bool(_ value: Bool) { bytes.append(value ? 1 : 0) }

  mutating func text(_ value: String) {
    var value = value
    value.withUTF8 { text in
      integer(UInt32(text.count))
      bytes.append(contentsOf: text)
    }
  }

  mutating func optional<Value>(_ value: Value?, _ body: (inout FrameWriter, Value) -> Void) {
    bool(value != nil)
    if let value { body(&self, value) }
  }

  mutating func list<Value>(_ values: [Value], _ body: (inout FrameWriter, Value) -> Void) {
    integer(UInt32(values.count))
    for value in values { body(&self, value) }
  }

  mutating func list<Value: FixedWidthInteger & BitwiseCopyable>(_ values: [Value]) {
    integer(UInt32(values.count))
    array(values)
  }

  /// A whole column at once: one copy, whatever its length.
  mutating func array<Value: FixedWidthInteger & BitwiseCopyable>(_ values: [Value]) {
    #if _endian(big)
    for value in values { integer(value) }
    #else
    values.withUnsafeBytes { bytes.append(contentsOf: $0) }
    #endif
  }

  mutating func reserve(_ count: Int) {
    // Growing by halves is the array's own business unless one frame is known to need more.
    if bytes.capacity - bytes.count < count { bytes.reserveCapacity(max(bytes.capacity * 2, bytes.count + count)) }
  }
}
