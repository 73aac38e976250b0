internal import CZlib

/// gzip members (RFC 1952), one after another as `gzip` itself reads them; zlib checks each member's CRC and length.
final class GzipDecoder: ByteDecoder {
  /// `inflateInit2`'s sum for "32 KiB window, gzip header only".
  private static let gzipOnly: Int32 = 15 + 16

  private let stream: UnsafeMutablePointer<z_stream>
  private let piece = PieceBuffer()
  private var memberEnded = false

  init() throws(CodecError) {
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    let size = Int32(MemoryLayout<z_stream>.size)
    guard inflateInit2_(stream, Self.gzipOnly, zlibVersion(), size) == Z_OK else {
      throw .outOfMemory(library: "zlib")
    }
  }

  deinit {
    // Harmless on a stream that was never set up.
    inflateEnd(stream)
    stream.deallocate()
  }

  func step(_ input: UnsafeRawBufferPointer) throws(CodecError) -> DecoderStep {
    if memberEnded {
      guard let next = input.first else { return DecoderStep(consumed: 0, output: piece.prefix(0), ended: true) }
      guard next == 0x1f else { throw .trailingBytes(.gz) }
      inflateReset(stream)
      memberEnded = false
    }
    let offered = min(input.count, Int(UInt32.max))
    let start = input.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.next_in = UnsafeMutablePointer(mutating: start)
    stream.pointee.avail_in = UInt32(offered)
    stream.pointee.next_out = piece.memory.baseAddress?.assumingMemoryBound(to: UInt8.self)
    stream.pointee.avail_out = UInt32(piece.memory.count)
    let result = inflate(stream, Z_NO_FLUSH)
    switch result {
    case Z_OK, Z_BUF_ERROR: break
    case Z_STREAM_END: memberEnded = true
    case Z_MEM_ERROR: throw .outOfMemory(library: "zlib")
    default:
      throw .corrupt(.gz, detail: stream.pointee.msg.map { String(cString: $0) } ?? "zlib's code \(result)")
    }
    return DecoderStep(
      consumed: offered - Int(stream.pointee.avail_in),
      output: piece.prefix(piece.memory.count - Int(stream.pointee.avail_out)), ended: memberEnded)
  }
}
