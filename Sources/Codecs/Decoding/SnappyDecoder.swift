/// A raw snappy block (the length, then literals and copies), decoded as it arrives.
///
/// The library decodes a block only as a whole, compressed and raw both in memory. Shards are large, so this reads the
/// format itself and keeps a window of what came out. The format lets a copy reach back over the whole block, but every
/// known encoder works in blocks of 64 KiB; the window is `windowLimit`, so copies in shards of the reference's default
/// size limit are served whatever their distance, and a longer reach in a larger file is refused.
///
/// Source: the format description in snappy's own repository.
final class SnappyDecoder: ByteDecoder {
  /// Most bytes back that a copy may reach.
  static let windowLimit = 64 << 20

  /// The last raw bytes, in a circle: raw byte i lies at i % window.count.
  private let window: PieceBuffer
  private let promised: Int
  private var element = SnappyElement.length(bytes: 0, value: 0)
  /// Raw bytes the block's own header states.
  private var total = 0
  private var produced = 0

  init(promisedBytes: Int) {
    promised = promisedBytes
    window = PieceBuffer(bytes: max(1, min(promisedBytes, Self.windowLimit)))
  }

  func step(_ input: UnsafeRawBufferPointer) throws(CodecError) -> DecoderStep {
    let start = produced % window.memory.count
    // One piece never wraps around, so that it can be handed out where it lies.
    let room = min(PieceBuffer.pieceBytes, window.memory.count - start)
    let end = produced + room
    let before = produced
    var position = 0
    while produced < end || isBetweenElements {
      if case .done = element {
        guard position == input.count else { throw .trailingBytes(.snappy) }
        break
      }
      if case .tag = element { try runElements(input, &position, until: end) }
      if !(try advance(input, &position, until: end)) { break }
    }
    let output = UnsafeRawBufferPointer(rebasing: window.memory[start..<start + (produced - before)])
    return DecoderStep(consumed: position, output: output, ended: isDone)
  }

  private var isDone: Bool { if case .done = element { true } else { false } }
  private var isBetweenElements: Bool {
    switch element {
    case .literal, .copy: false
    default: true
    }
  }

  /// Takes one step inside the current element; false when it needs more input or room.
  private func advance(
    _ input: UnsafeRawBufferPointer, _ position: inout Int, until end: Int
  ) throws(CodecError) -> Bool {
    switch element {
    case .done, .sized: return false
    case .length, .tag, .operand:
      guard position < input.count else { return false }
      let byte = input[position]
      position += 1
      element = try element.next(byte)
      try admit()
    case .literal(let left):
      let count = min(left, input.count - position, end - produced)
      guard count > 0 else { return false }
      let target = produced % window.memory.count
      UnsafeMutableRawBufferPointer(rebasing: window.memory[target..<target + count])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: input[position..<position + count]))
      position += count
      produced += count
      element = afterElement(left: left - count) { .literal(left: $0) }
    case .copy(let distance, let left):
      let count = min(left, end - produced)
      guard count > 0 else { return false }
      copyBack(distance: distance, count: count)
      produced += count
      element = afterElement(left: left - count) { .copy(distance: distance, left: $0) }
    }
    return true
  }

  /// Takes whole elements as long as each lies in the input and fits the piece: the path of nearly every byte.
  ///
  /// Whatever is left (an element cut by the input's or the piece's end, or a wrong one) is `advance`'s.
  private func runElements(
    _ input: UnsafeRawBufferPointer, _ position: inout Int, until end: Int
  ) throws(CodecError) {
    let size = window.memory.count
    // A tag and at most four bytes after it.
    while input.count - position >= 5, produced < end {
      let tag = Int(input[position])
      let room = min(end, total) - produced
      var next = position + 1
      if tag & 3 == 0 {
        var length = (tag >> 2) + 1
        if length > 60 {
          let wanted = length - 60
          let word = Int(UInt32(littleEndian: input.loadUnaligned(fromByteOffset: next, as: UInt32.self)))
          length = (word & ((1 << (8 * wanted)) - 1)) + 1
          next += wanted
        }
        guard length <= room, length <= input.count - next else { return }
        let target = produced % size
        UnsafeMutableRawBufferPointer(rebasing: window.memory[target..<target + length])
          .copyMemory(from: UnsafeRawBufferPointer(rebasing: input[next..<next + length]))
        produced += length
        next += length
      } else {
        var length = (tag >> 2) + 1
        var distance = 0
        switch tag & 3 {
        case 1:
          length = ((tag >> 2) & 7) + 4
          distance = (tag >> 5) << 8 | Int(input[next])
          next += 1
        case 2:
          distance = Int(UInt16(littleEndian: input.loadUnaligned(fromByteOffset: next, as: UInt16.self)))
          next += 2
        default:
          distance = Int(UInt32(littleEndian: input.loadUnaligned(fromByteOffset: next, as: UInt32.self)))
          next += 4
        }
        guard length <= room, distance > 0, distance <= min(produced, size) else { return }
        copyBack(distance: distance, count: length)
        produced += length
      }
      position = next
    }
    if produced == total { element = .done }
  }

  private func afterElement(left: Int, _ rest: (Int) -> SnappyElement) -> SnappyElement {
    if left > 0 { return rest(left) }
    return produced == total ? .done : .tag
  }

  /// Checks a freshly read length, literal or copy against what the block and the window can hold.
  private func admit() throws(CodecError) {
    switch element {
    case .sized(let value):
      total = value
      guard total <= promised else { throw .longerThanPromised(.snappy, promised: promised) }
      element = total == 0 ? .done : .tag
    case .literal(let left):
      guard left <= total - produced else { throw .corrupt(.snappy, detail: "a literal runs past the block's length") }
    case .copy(let distance, let left):
      guard left <= total - produced else { throw .corrupt(.snappy, detail: "a copy runs past the block's length") }
      guard distance > 0, distance <= produced else {
        throw .corrupt(.snappy, detail: "a copy reaches back before the block's beginning")
      }
      guard distance <= window.memory.count else {
        throw .corrupt(.snappy, detail: "a copy reaches back \(distance) bytes, over the limit of \(Self.windowLimit)")
      }
    default: break
    }
  }

  /// Copies `count` raw bytes from `distance` back. The target does not wrap; the source may, and may overlap it.
  private func copyBack(distance: Int, count: Int) {
    let size = window.memory.count
    let target = produced % size
    var source = (produced - distance) % size
    if source + count <= size, distance >= count {
      UnsafeMutableRawBufferPointer(rebasing: window.memory[target..<target + count])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: window.memory[source..<source + count]))
      return
    }
    for offset in target..<target + count {
      window.memory[offset] = window.memory[source]
      source += 1
      if source == size { source = 0 }
    }
  }
}
