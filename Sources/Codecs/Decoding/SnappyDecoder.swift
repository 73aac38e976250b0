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

  private let memory: PieceBuffer
  private var window: SnappyWindow
  private let promised: Int
  private var element = SnappyElement.length(bytes: 0, value: 0)
  /// Raw bytes the block's own header states.
  private var total = 0

  init(promisedBytes: Int, reach: Int = windowLimit) {
    promised = promisedBytes
    memory = SnappyWindow.allocate(total: promisedBytes, reach: reach)
    window = SnappyWindow(memory.memory, total: promisedBytes, reach: reach)
  }

  func step(_ input: UnsafeRawBufferPointer) throws(CodecError) -> DecoderStep {
    window.wrap()
    let start = window.target
    let before = window.produced
    // One piece never wraps around, so that it can be handed out where it lies.
    let end = before + min(PieceBuffer.pieceBytes, window.roomBeforeWrap)
    var position = 0
    while window.produced < end || isBetweenElements {
      if case .done = element {
        guard position == input.count else { throw .trailingBytes(.snappy) }
        break
      }
      if case .tag = element { runElements(input, &position, until: min(end, total)) }
      if !(try advance(input, &position, until: end)) { break }
    }
    let output = window.bytes(from: start, count: window.produced - before)
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
      let count = min(left, input.count - position, end - window.produced)
      guard count > 0, let source = input.baseAddress else { return false }
      window.append(source + position, count: count, available: input.count - position)
      position += count
      element = afterElement(left: left - count) { .literal(left: $0) }
    case .copy(let distance, let left):
      let count = min(left, end - window.produced)
      guard count > 0 else { return false }
      window.appendCopy(distance: distance, count: count)
      element = afterElement(left: left - count) { .copy(distance: distance, left: $0) }
    }
    return true
  }

  /// Takes whole elements as long as each lies in the input and ends by `end`: the path of nearly every byte.
  ///
  /// Whatever is left (an element cut by the input's or the piece's end, or a wrong one) is `advance`'s.
  private func runElements(_ input: UnsafeRawBufferPointer, _ position: inout Int, until end: Int) {
    guard let start = input.baseAddress else { return }
    // Locals, so that the loop runs in registers.
    var window = self.window
    var next = position
    // A tag and at most four bytes after it.
    while input.count - next >= 5, window.produced < end {
      let tag = Int(start.load(fromByteOffset: next, as: UInt8.self))
      let operand = Int(UInt32(littleEndian: start.loadUnaligned(fromByteOffset: next + 1, as: UInt32.self)))
      let room = end - window.produced
      if tag & 3 == 0 {
        var length = (tag >> 2) + 1
        var head = 1
        if length > 60 {
          head += length - 60
          length = (operand & ((1 << (8 * (length - 60))) - 1)) + 1
        }
        let available = input.count - next - head
        guard length <= room, length <= available else { break }
        window.append(start + next + head, count: length, available: available)
        next += head + length
      } else {
        var length = (tag >> 2) + 1
        let distance: Int
        var head = 3
        switch tag & 3 {
        case 1:
          length = ((tag >> 2) & 7) + 4
          distance = (tag >> 5) << 8 | operand & 0xff
          head = 2
        case 2: distance = operand & 0xffff
        default:
          distance = operand
          head = 5
        }
        guard length <= room, distance > 0, distance <= min(window.produced, window.reach) else { break }
        window.appendCopy(distance: distance, count: length)
        next += head
      }
    }
    position = next
    self.window = window
    if window.produced == total { element = .done }
  }

  private func afterElement(left: Int, _ rest: (Int) -> SnappyElement) -> SnappyElement {
    if left > 0 { return rest(left) }
    return window.produced == total ? .done : .tag
  }

  /// Checks a freshly read length, literal or copy against what the block and the window can hold.
  private func admit() throws(CodecError) {
    switch element {
    case .sized(let value):
      total = value
      guard total <= promised else { throw .longerThanPromised(.snappy, promised: promised) }
      element = total == 0 ? .done : .tag
    case .literal(let left):
      guard left <= total - window.produced else {
        throw .corrupt(.snappy, detail: "a literal runs past the block's length")
      }
    case .copy(let distance, let left):
      guard left <= total - window.produced else {
        throw .corrupt(.snappy, detail: "a copy runs past the block's length")
      }
      guard distance > 0, distance <= window.produced else {
        throw .corrupt(.snappy, detail: "a copy reaches back before the block's beginning")
      }
      guard distance <= window.reach else {
        throw .corrupt(.snappy, detail: "a copy reaches back \(distance) bytes, over the limit of \(Self.windowLimit)")
      }
    default: break
    }
  }
}
