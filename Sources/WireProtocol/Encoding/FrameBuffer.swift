/// Received bytes on their way to becoming frames, however the socket cut them.
///
/// Grows only for a frame whose header was accepted, and by doubling as its bytes arrive, so that a header alone
/// costs nothing; gives a long frame's memory back once it is used up.
struct FrameBuffer {
  /// Capacity while frames are short.
  static let restingCapacity = 64 * 1024

  /// Capacity that is kept when all frames are used up; beyond it the memory is given back.
  private let keptCapacity: Int
  private var storage: [UInt8] = []
  private var start = 0
  private var end = 0
  /// Bytes that the frame at `start` has in all, once its header is known.
  private var wanted = FrameHeader.byteCount

  init(keptCapacity: Int) { self.keptCapacity = keptCapacity }

  /// Bytes received and not yet consumed.
  var count: Int { end - start }

  /// Lets `body` write received bytes into free space; it answers how many it wrote. At least one byte is free.
  mutating func fill<Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(Failure) -> Int {
    makeRoom()
    let free = end
    // The array's raw accessors do not carry a typed error through; a result does.
    let outcome = storage.withUnsafeMutableBytes { bytes in
      Result { () throws(Failure) in try body(UnsafeMutableRawBufferPointer(rebasing: bytes[free...])) }
    }
    let written = try outcome.get()
    precondition(written >= 0 && written <= storage.count - end, "more bytes reported than there was room for")
    end += written
    return written
  }

  /// The header of the next frame, or nil if its bytes have not come.
  func header() -> FrameHeader? {
    guard count >= FrameHeader.byteCount else { return nil }
    return storage.withUnsafeBytes { FrameHeader(bytes: UnsafeRawBufferPointer(rebasing: $0[start..<end])) }
  }

  /// Runs `body` on the payload of the frame that `header` begins and consumes it; nil if its bytes have not come.
  mutating func payload<Value>(
    of header: FrameHeader, _ body: (UnsafeRawBufferPointer) throws(WireError) -> Value
  ) throws(WireError) -> Value? {
    let total = FrameHeader.byteCount + Int(header.length)
    guard count >= total else {
      wanted = total
      return nil
    }
    wanted = FrameHeader.byteCount
    let first = start
    start += total
    defer { settle() }
    let outcome = storage.withUnsafeBytes { bytes in
      Result { () throws(WireError) in
        try body(UnsafeRawBufferPointer(rebasing: bytes[(first + FrameHeader.byteCount)..<(first + total)]))
      }
    }
    return try outcome.get()
  }

  private mutating func settle() {
    guard start == end else { return }
    start = 0
    end = 0
    if storage.count > keptCapacity { storage = [] }
  }

  private mutating func makeRoom() {
    if storage.isEmpty { storage = Self.enlarged([], to: Self.restingCapacity) }
    if start > 0, storage.count - start < wanted || end == storage.count {
      storage.withUnsafeMutableBytes { bytes in
        UnsafeMutableRawBufferPointer(rebasing: bytes[0..<(end - start)])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
      }
      end -= start
      start = 0
    }
    if end == storage.count {
      let size = min(storage.count * 2, max(wanted, storage.count + Self.restingCapacity))
      storage = Self.enlarged(storage, to: size)
    }
  }

  /// The bytes and room behind them. The room is not cleared, because nothing reads beyond `end`.
  private static func enlarged(_ storage: [UInt8], to size: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: size) { buffer, filled in
      storage.withUnsafeBytes { UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0) }
      filled = size
    }
  }
}
