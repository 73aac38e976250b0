/// One format's decoder: compressed bytes in, raw bytes out, piece by piece. Used by one owner at a time.
protocol ByteDecoder: AnyObject {
  /// Decodes what it can of `input`, at most one piece.
  ///
  /// Call again with the unconsumed rest until a step neither consumes nor produces: then it wants more input. After
  /// `ended` a further step begins the next member of a concatenation, if the format has such.
  func step(_ input: UnsafeRawBufferPointer) throws(CodecError) -> DecoderStep
}

/// What one step did.
struct DecoderStep {
  /// Bytes of the input used up.
  var consumed: Int
  /// The raw bytes; the decoder's own memory, valid until its next step.
  var output: UnsafeRawBufferPointer
  /// True when the compressed data is complete here: the input may stop, or another member may follow.
  var ended: Bool
}

/// Memory for a decoder's pieces, freed with it.
final class PieceBuffer {
  /// Bytes of one piece: large enough to make a write cheap, small enough to stay in the processor's cache.
  static let pieceBytes = 256 << 10

  let memory: UnsafeMutableRawBufferPointer

  init(bytes: Int = pieceBytes) { memory = .allocate(byteCount: bytes, alignment: 64) }

  deinit { memory.deallocate() }

  func prefix(_ count: Int) -> UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }
}
