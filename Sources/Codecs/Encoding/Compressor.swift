internal import CBZip2
internal import CBrotli
internal import CSnappy
internal import CZlib
internal import CZstd

/// Compresses a shard's file as Mosaic's writer does: the whole file as one unit (formats.md §6).
///
/// The same library in the same version gives the same bytes as the reference, except for gzip, whose header holds the
/// time of writing there and zero here, so that what we write can be reproduced.
public enum Compressor {
  /// `raw` in the form that an index with `compression` promises.
  public static func compress(_ raw: [UInt8], _ compression: Compression) throws(CodecError) -> [UInt8] {
    switch compression.family {
    case .br: try brotli(raw, level: compression.level)
    case .bz2: try bzip2(raw, level: compression.level)
    case .gz: try gzip(raw, level: compression.level)
    case .snappy: try snappy(raw)
    case .zstd: try zstd(raw, level: compression.level)
    }
  }

  private static func zstd(_ raw: [UInt8], level: Int) throws(CodecError) -> [UInt8] {
    try filled(capacity: ZSTD_compressBound(raw.count)) { target throws(CodecError) in
      let count = raw.withUnsafeBytes {
        ZSTD_compress(target.baseAddress, target.count, $0.baseAddress, $0.count, Int32(level))
      }
      guard ZSTD_isError(count) == 0 else { throw .outOfMemory(library: "zstd") }
      return count
    }
  }

  private static func brotli(_ raw: [UInt8], level: Int) throws(CodecError) -> [UInt8] {
    // The bound is 0 for sizes it cannot express; no shard is that large, and the call below then refuses.
    try filled(capacity: BrotliEncoderMaxCompressedSize(raw.count)) { target throws(CodecError) in
      var count = target.count
      let done = raw.withUnsafeBufferPointer {
        BrotliEncoderCompress(
          Int32(level), BROTLI_DEFAULT_WINDOW, BROTLI_MODE_GENERIC, $0.count, $0.baseAddress, &count,
          target.baseAddress)
      }
      guard done != 0 else { throw .outOfMemory(library: "brotli") }
      return count
    }
  }

  private static func bzip2(_ raw: [UInt8], level: Int) throws(CodecError) -> [UInt8] {
    try limit(.bz2, raw.count, Int(UInt32.max))
    // Source of the bound: bzip2's manual, BZ2_bzBuffToBuffCompress.
    let bound = raw.count + raw.count / 100 + 600
    try limit(.bz2, bound, Int(UInt32.max))
    return try filled(capacity: bound) { target throws(CodecError) in
      var count = UInt32(target.count)
      let code = raw.withUnsafeBytes { source in
        // The library declares its input mutable but only reads it.
        let input = UnsafeMutableRawPointer(mutating: source.baseAddress)?.assumingMemoryBound(to: CChar.self)
        let output = UnsafeMutableRawPointer(target.baseAddress)?.assumingMemoryBound(to: CChar.self)
        return BZ2_bzBuffToBuffCompress(output, &count, input ?? output, UInt32(source.count), Int32(level), 0, 0)
      }
      guard code == BZ_OK else { throw .outOfMemory(library: "bzip2") }
      return Int(count)
    }
  }

  private static func gzip(_ raw: [UInt8], level: Int) throws(CodecError) -> [UInt8] {
    try limit(.gz, raw.count, Int(UInt32.max))
    let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
    stream.initialize(to: z_stream())
    defer {
      deflateEnd(stream)
      stream.deallocate()
    }
    // 15 + 16: a 32 KiB window and a gzip header; 8: zlib's default memory level.
    let ready = deflateInit2_(
      stream, Int32(level), Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY, zlibVersion(),
      Int32(MemoryLayout<z_stream>.size))
    guard ready == Z_OK else { throw .outOfMemory(library: "zlib") }
    let bound = Int(deflateBound(stream, UInt(raw.count)))
    try limit(.gz, bound, Int(UInt32.max))
    return try filled(capacity: bound) { target throws(CodecError) in
      let code = raw.withUnsafeBufferPointer { source in
        stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
        stream.pointee.avail_in = UInt32(source.count)
        stream.pointee.next_out = target.baseAddress
        stream.pointee.avail_out = UInt32(target.count)
        return deflate(stream, Z_FINISH)
      }
      guard code == Z_STREAM_END else { throw .outOfMemory(library: "zlib") }
      // The header's last bytes (how hard it was tried, which system) as Python's gzip writes them.
      target[8] = level == 9 ? 2 : level == 1 ? 4 : 0
      target[9] = 255
      return target.count - Int(stream.pointee.avail_out)
    }
  }

  private static func snappy(_ raw: [UInt8]) throws(CodecError) -> [UInt8] {
    try limit(.snappy, raw.count, Int(UInt32.max))
    return try filled(capacity: snappy_max_compressed_length(raw.count)) { target throws(CodecError) in
      var count = target.count
      let code = raw.withUnsafeBytes { source in
        target.withMemoryRebound(to: CChar.self) { output in
          // An empty array may have no address, and the library wants one.
          let input = source.baseAddress?.assumingMemoryBound(to: CChar.self) ?? UnsafePointer(output.baseAddress)
          return snappy_compress(input, source.count, output.baseAddress, &count)
        }
      }
      guard code == SNAPPY_OK else { throw .outOfMemory(library: "snappy") }
      return count
    }
  }

  private static func limit(_ family: CompressionFamily, _ bytes: Int, _ limit: Int) throws(CodecError) {
    guard bytes <= limit else { throw .tooLargeToCompress(family, bytes: bytes, limit: limit) }
  }

  /// An array of what `fill` wrote into at most `capacity` bytes.
  private static func filled(
    capacity: Int, _ fill: (UnsafeMutableBufferPointer<UInt8>) throws(CodecError) -> Int
  ) throws(CodecError) -> [UInt8] {
    var failure: CodecError?
    let bytes = [UInt8](unsafeUninitializedCapacity: max(1, capacity)) { target, count in
      do throws(CodecError) { count = try fill(target) } catch { failure = error }
    }
    if let failure { throw failure }
    return bytes
  }
}
