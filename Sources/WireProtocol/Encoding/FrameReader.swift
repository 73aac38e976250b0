/// Takes fields off a payload, front to back, and never reads past its end.
///
/// Every count is held against the bytes that are left before anything is allocated for it, so a payload can make a
/// reader allocate no more than a small multiple of its own length. The bytes must outlive the reader; the `decode`
/// functions of `Request` and `Reply` see to it.
public struct FrameReader {
  private let bytes: UnsafeRawBufferPointer
  private var offset = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Bytes not yet taken.
  var left: Int { bytes.count - offset }

  /// The next `count` bytes.
  private mutating func take(_ count: Int, _ field: String) throws(WireError) -> UnsafeRawBufferPointer {
    guard count <= left else { throw .truncated(field: field, needed: count, left: left) }
    let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + count)])
    offset += count
    return part
  }

  /// A little-endian integer.
  mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(
    _ field: String, as type: Value.Type = Value.self
  ) throws(WireError) -> Value {
    let part = try take(MemoryLayout<Value>.size, field)
    return Value(littleEndian: part.loadUnaligned(as: Value.self))
  }

  /// An i64, as the `Int` of a 64-bit machine.
  mutating func int(_ field: String) throws(WireError) -> Int {
    Int(try integer(field, as: Int64.self))
  }

  mutating func bool(_ field: String) throws(WireError) -> Bool {
    let value = try integer(field, as: UInt8.self)
    guard value <= 1 else { throw .invalid(field: field, value: Int64(value), allowed: "0 or 1") }
    return value == 1
  }

  /// A u32 length and that many bytes of UTF-8; `limit` in bytes.
  mutating func text(_ field: String, limit: Int = .max) throws(WireError) -> String {
    let count = Int(try integer(field, as: UInt32.self))
    guard count <= limit else { throw .overLimit(field: field, count: count, limit: limit) }
    let part = try take(count, field)
    guard let text = String(validating: part, as: UTF8.self) else { throw .notUTF8(field: field) }
    return text
  }

  /// A u8 that says whether a value follows.
  mutating func optional<Value>(
    _ field: String, _ body: (inout FrameReader) throws(WireError) -> Value
  ) throws(WireError) -> Value? {
    try bool(field) ? try body(&self) : nil
  }

  /// A u32 count and that many items of at least `itemBytes` bytes each.
  mutating func list<Value>(
    _ field: String, itemBytes: Int, _ body: (inout FrameReader) throws(WireError) -> Value
  ) throws(WireError) -> [Value] {
    let count = try self.count(field, itemBytes: itemBytes)
    var items: [Value] = []
    items.reserveCapacity(count)
    for _ in 0..<count { items.append(try body(&self)) }
    return items
  }

  /// A u32 count and that many integers.
  mutating func list<Value: FixedWidthInteger & BitwiseCopyable>(
    _ field: String, of type: Value.Type = Value.self
  ) throws(WireError) -> [Value] {
    try array(field, count: try count(field, itemBytes: MemoryLayout<Value>.size))
  }

  /// `count` integers, whose number an earlier field stated.
  mutating func array<Value: FixedWidthInteger & BitwiseCopyable>(
    _ field: String, count: Int, of type: Value.Type = Value.self
  ) throws(WireError) -> [Value] {
    let (needed, overflow) = count.multipliedReportingOverflow(by: MemoryLayout<Value>.size)
    guard !overflow else { throw .truncated(field: field, needed: .max, left: left) }
    let part = try take(needed, field)
    let values = [Value](unsafeUninitializedCapacity: count) { buffer, filled in
      UnsafeMutableRawBufferPointer(buffer).copyMemory(from: part)
      filled = count
    }
    #if _endian(big)
    return values.map { Value(littleEndian: $0) }
    #else
    return values
    #endif
  }

  /// The payload must be used up.
  func finish() throws(WireError) {
    guard left == 0 else { throw .trailing(bytes: left) }
  }

  private mutating func count(_ field: String, itemBytes: Int) throws(WireError) -> Int {
    let count = Int(try integer(field, as: UInt32.self))
    // A count is at most 2³² and an item a few dozen bytes: the product cannot overflow 64 bits.
    guard count * itemBytes <= left else {
      throw .truncated(field: field, needed: count * itemBytes, left: left)
    }
    return count
  }
}
