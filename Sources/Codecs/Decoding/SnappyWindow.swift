/// The last raw bytes of a snappy block, in a circle: raw byte i lies at i % size.
///
/// Every write is checked by the caller against the end of the current piece, which never wraps around. Short copies are
/// made 16 bytes at a time and may scribble over up to 15 bytes after their end: `slack` keeps that inside the memory, and
/// outside what a copy may still reach back to.
struct SnappyWindow {
  /// Bytes that a wide copy may write too much, with room to spare.
  static let slack = 64

  private let base: UnsafeMutableRawPointer
  /// Length of the circle.
  let size: Int
  /// Most bytes that a copy may reach back.
  let reach: Int
  /// Raw bytes so far.
  private(set) var produced = 0
  /// Where the next raw byte goes.
  private(set) var target = 0

  /// Memory for a block of at most `total` bytes whose copies reach back at most `reach`.
  static func allocate(total: Int, reach: Int) -> PieceBuffer {
    PieceBuffer(bytes: circle(total: total, reach: reach) + slack)
  }

  /// - Parameter memory: from `allocate`; it must outlive the window.
  init(_ memory: UnsafeMutableRawBufferPointer, total: Int, reach: Int) {
    size = Self.circle(total: total, reach: reach)
    guard let start = memory.baseAddress, memory.count == size + Self.slack else {
      preconditionFailure("the window's memory is from allocate")
    }
    base = start
    self.reach = reach
  }

  /// The whole block if it is short enough never to wrap, else the reach and what wide copies may scribble over.
  private static func circle(total: Int, reach: Int) -> Int { total <= reach ? max(1, total) : reach + slack }

  /// Raw bytes that fit before the circle closes.
  var roomBeforeWrap: Int { size - target }

  /// The raw bytes from position `start` of the circle, `count` of them.
  func bytes(from start: Int, count: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: base + start, count: count)
  }

  /// Closes the circle once its end is reached. Called between pieces.
  mutating func wrap() { if target == size { target = 0 } }

  /// Appends `count` bytes from `source`, of which `available` may be read.
  @inline(__always)
  mutating func append(_ source: UnsafeRawPointer, count: Int, available: Int) {
    if count <= 16, available >= 16 {
      copy16(from: source, to: base + target)
    } else {
      (base + target).copyMemory(from: source, byteCount: count)
    }
    advance(count)
  }

  /// Appends `count` bytes that repeat those `distance` back; `distance` is at most `produced` and `reach`.
  @inline(__always)
  mutating func appendCopy(distance: Int, count: Int) {
    if distance <= target, distance >= 16 {
      var from = UnsafeRawPointer(base + target - distance)
      var to = base + target
      let end = to + count
      // Each step reads what is complete, being at least 16 bytes back; the last may go up to 15 bytes too far.
      while to < end {
        copy16(from: from, to: to)
        from += 16
        to += 16
      }
      advance(count)
    } else {
      appendBytewise(distance: distance, count: count)
    }
  }

  /// The source wraps around, or overlaps the target.
  private mutating func appendBytewise(distance: Int, count: Int) {
    var source = target >= distance ? target - distance : target - distance + size
    for offset in target..<target + count {
      base.storeBytes(of: base.load(fromByteOffset: source, as: UInt8.self), toByteOffset: offset, as: UInt8.self)
      source += 1
      if source == size { source = 0 }
    }
    advance(count)
  }

  private mutating func advance(_ count: Int) {
    produced += count
    target += count
  }

  @inline(__always)
  private func copy16(from source: UnsafeRawPointer, to target: UnsafeMutableRawPointer) {
    target.storeBytes(of: source.loadUnaligned(as: SIMD16<UInt8>.self), as: SIMD16<UInt8>.self)
  }
}
