/// Writes the fields of a message, little-endian, texts with their length before them.
struct MessageWriter {
  private(set) var bytes: [UInt8] = []

  mutating func put(_ value: UInt8) { bytes.append(value) }

  mutating func put(_ value: Int) {
    withUnsafeBytes(of: UInt64(bitPattern: Int64(value)).littleEndian) { bytes.append(contentsOf: $0) }
  }

  mutating func put(_ value: Double) { put(Int(Int64(bitPattern: value.bitPattern))) }

  mutating func put(_ value: Bool) { put(UInt8(value ? 1 : 0)) }

  mutating func put(_ text: String) {
    put(text.utf8.count)
    bytes.append(contentsOf: text.utf8)
  }

  mutating func put<Value>(_ value: Value?, _ write: (inout MessageWriter, Value) -> Void) {
    put(value != nil)
    if let value { write(&self, value) }
  }
}

/// A message that the other process should never have sent.
struct MalformedMessage: Error {}

/// Reads the fields of a message; anything missing or left over is an error.
struct MessageReader {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: [UInt8]) { rest = bytes[...] }

  mutating func byte() throws(MalformedMessage) -> UInt8 {
    guard let byte = rest.popFirst() else { throw MalformedMessage() }
    return byte
  }

  mutating func integer() throws(MalformedMessage) -> Int {
    guard rest.count >= 8 else { throw MalformedMessage() }
    var value: UInt64 = 0
    for (place, byte) in rest.prefix(8).enumerated() { value |= UInt64(byte) << UInt64(8 * place) }
    rest = rest.dropFirst(8)
    return Int(Int64(bitPattern: value))
  }

  /// An integer that counts something.
  mutating func count(atMost limit: Int = Int.max) throws(MalformedMessage) -> Int {
    let value = try integer()
    guard value >= 0, value <= limit else { throw MalformedMessage() }
    return value
  }

  mutating func double() throws(MalformedMessage) -> Double {
    Double(bitPattern: UInt64(bitPattern: Int64(try integer())))
  }

  mutating func flag() throws(MalformedMessage) -> Bool {
    let value = try byte()
    guard value <= 1 else { throw MalformedMessage() }
    return value == 1
  }

  mutating func text() throws(MalformedMessage) -> String {
    let count = try count(atMost: rest.count)
    guard let text = String(validating: rest.prefix(count), as: UTF8.self) else { throw MalformedMessage() }
    rest = rest.dropFirst(count)
    return text
  }

  mutating func optional<Value>(
    _ read: (inout MessageReader) throws(MalformedMessage) -> Value
  ) throws(MalformedMessage) -> Value? {
    try flag() ? try read(&self) : nil
  }

  func finish() throws(MalformedMessage) {
    if !rest.isEmpty { throw MalformedMessage() }
  }
}
