internal import CZstd

/// Zstandard frames, one after another as `zstd` itself reads them.
final class ZstdDecoder: ByteDecoder {
  /// Largest window accepted, as the power of two: 128 MiB, what the highest level the reference offers needs.
  static let windowLimit: Int32 = 27

  private let context: OpaquePointer
  private let piece = PieceBuffer()
  /// True between the end of a frame and the first raw byte of the next.
  private var afterFrame = false

  init() throws(CodecError) {
    guard let context = ZSTD_createDCtx() else { throw .outOfMemory(library: "zstd") }
    self.context = context
    _ = ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Self.windowLimit)
  }

  deinit { ZSTD_freeDCtx(context) }

  func step(_ input: UnsafeRawBufferPointer) throws(CodecError) -> DecoderStep {
    var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
    var sink = ZSTD_outBuffer(dst: piece.memory.baseAddress, size: piece.memory.count, pos: 0)
    let wanted = ZSTD_decompressStream(context, &sink, &source)
    if ZSTD_isError(wanted) != 0 {
      if afterFrame { throw .trailingBytes(.zstd) }
      throw .corrupt(.zstd, detail: String(cString: ZSTD_getErrorName(wanted)))
    }
    if wanted == 0 { afterFrame = true } else if sink.pos > 0 { afterFrame = false }
    return DecoderStep(consumed: source.pos, output: piece.prefix(sink.pos), ended: wanted == 0)
  }
}
