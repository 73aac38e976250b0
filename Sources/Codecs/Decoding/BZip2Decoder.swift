internal import CBZip2

/// bzip2 streams, one after another as `bzip2` itself reads them.
final class BZip2Decoder: ByteDecoder {
  private let stream: UnsafeMutablePointer<bz_stream>
  private let piece = PieceBuffer()
  private var streamEnded = false

  init() throws(CodecError) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: bz_stream())
    guard BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK else { throw .outOfMemory(library: "bzip2") }
  }

  deinit {
    // Harmless on a stream that was never set up or has already ended.
    BZ2_bzDecompressEnd(stream)
    stream.deallocate()
  }

  func step(_ input: UnsafeRawBufferPointer) throws(CodecError) -> DecoderStep {
    if streamEnded {
      guard let next = input.first else { return DecoderStep(consumed: 0, output: piece.prefix(0), ended: true) }
      guard next == UInt8(ascii: "B") else { throw .trailingBytes(.bz2) }
      BZ2_bzDecompressEnd(stream)
      stream.pointee = bz_stream()
      guard BZ2_bzDecompressInit(stream, 0, 0) == BZ_OK else { throw .outOfMemory(library: "bzip2") }
      streamEnded = false
    }
    let offered = min(input.count, Int(UInt32.max))
    let start = input.baseAddress?.assumingMemoryBound(to: CChar.self)
    stream.pointee.next_in = UnsafeMutablePointer(mutating: start)
    stream.pointee.avail_in = UInt32(offered)
    stream.pointee.next_out = piece.memory.baseAddress?.assumingMemoryBound(to: CChar.self)
    stream.pointee.avail_out = UInt32(piece.memory.count)
    switch BZ2_bzDecompress(stream) {
    case BZ_OK: break
    case BZ_STREAM_END: streamEnded = true
    case BZ_MEM_ERROR: throw .outOfMemory(library: "bzip2")
    case BZ_DATA_ERROR_MAGIC: throw .corrupt(.bz2, detail: "it does not begin as bzip2 data does")
    default: throw .corrupt(.bz2, detail: "a block's contents or checksum are wrong")
    }
    return DecoderStep(
      consumed: offered - Int(stream.pointee.avail_in),
      output: piece.prefix(piece.memory.count - Int(stream.pointee.avail_out)), ended: streamEnded)
  }
}
