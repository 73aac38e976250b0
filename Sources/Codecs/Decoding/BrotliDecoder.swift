internal import CBrotli

/// A raw brotli stream; the format knows no concatenation.
final class BrotliDecoder: ByteDecoder {
  private let state: OpaquePointer
  private let piece = PieceBuffer()

  init() throws(CodecError) {
    guard let state = BrotliDecoderCreateInstance(nil, nil, nil) else { throw .outOfMemory(library: "brotli") }
    self.state = state
  }

  deinit { BrotliDecoderDestroyInstance(state) }

  func step(_ input: UnsafeRawBufferPointer) throws(CodecError) -> DecoderStep {
    if BrotliDecoderIsFinished(state) != 0 {
      guard input.isEmpty else { throw .trailingBytes(.br) }
      return DecoderStep(consumed: 0, output: piece.prefix(0), ended: true)
    }
    var source = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
    var available = input.count
    var sink = piece.memory.baseAddress?.assumingMemoryBound(to: UInt8.self)
    var space = piece.memory.count
    let result = BrotliDecoderDecompressStream(state, &available, &source, &space, &sink, nil)
    if result == BROTLI_DECODER_RESULT_ERROR {
      let code = BrotliDecoderGetErrorCode(state)
      throw .corrupt(.br, detail: String(cString: BrotliDecoderErrorString(code)))
    }
    return DecoderStep(
      consumed: input.count - available, output: piece.prefix(piece.memory.count - space),
      ended: result == BROTLI_DECODER_RESULT_SUCCESS)
  }
}
