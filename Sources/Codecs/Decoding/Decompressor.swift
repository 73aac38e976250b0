/// Turns a shard's compressed file into its raw one, piece by piece, and never past the size its index promises.
///
/// Memory is bounded whatever the input: 256 KiB of output, and the format's window, at most 128 MiB (zstd at its highest
/// levels), 64 MiB (snappy), 16 MiB (br), 4 MiB (bz2), 32 KiB (gz).
///
/// Sendable although the C states behind it are not: the value cannot be copied, so whoever holds it is alone with its
/// state, and none of the libraries ties a state to a thread.
public struct Decompressor: ~Copyable, @unchecked Sendable {
  public let family: CompressionFamily
  /// Raw bytes the index promises.
  public let promised: Int
  /// Raw bytes decoded so far.
  public private(set) var produced = 0

  private let decoder: any ByteDecoder
  private var ended = false

  /// A decoder of one file that must come out as exactly `promisedBytes` bytes.
  public init(_ family: CompressionFamily, promisedBytes: Int) throws(CodecError) {
    precondition(promisedBytes >= 0, "a promised size is never negative")
    self.family = family
    promised = promisedBytes
    decoder =
      switch family {
      case .br: try BrotliDecoder()
      case .bz2: try BZip2Decoder()
      case .gz: try GzipDecoder()
      case .snappy: SnappyDecoder(promisedBytes: promisedBytes)
      case .zstd: try ZstdDecoder()
      }
  }

  /// Decodes all of `input`, handing raw bytes to `write` as they come out.
  ///
  /// What `write` is given is valid during the call only, and never goes past the promised size.
  public mutating func push<Failure: Error>(
    _ input: UnsafeRawBufferPointer, write: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(CodingFailure<Failure>) {
    var rest = input
    while true {
      let step: DecoderStep
      do throws(CodecError) { step = try decoder.step(rest) } catch { throw .codec(error) }
      guard step.output.count <= promised - produced else {
        throw .codec(.longerThanPromised(family, promised: promised))
      }
      produced += step.output.count
      rest = UnsafeRawBufferPointer(rebasing: rest[step.consumed...])
      if step.output.count > 0 {
        do throws(Failure) { try write(step.output) } catch { throw .io(error) }
      }
      if step.consumed > 0 || step.output.count > 0 || step.ended { ended = step.ended }
      if rest.isEmpty, step.ended || step.output.isEmpty { return }
      guard step.consumed > 0 || step.output.count > 0 else {
        throw .codec(.corrupt(family, detail: "the decoder makes no progress"))
      }
    }
  }

  /// Checks that the input was complete and exactly as long as promised.
  public consuming func finish() throws(CodecError) {
    guard ended else { throw .truncated(family, decoded: produced) }
    guard produced == promised else { throw .shorterThanPromised(family, promised: promised, found: produced) }
  }
}

extension Decompressor {
  /// Decompresses a whole file through the caller's `read` and `write`.
  ///
  /// `read` fills the buffer from where it stopped last and answers the number of bytes, 0 at the end of the file;
  /// `write` appends to the raw file.
  public static func run<Failure: Error>(
    _ family: CompressionFamily, promisedBytes: Int,
    read: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int,
    write: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(CodingFailure<Failure>) {
    let input = PieceBuffer()
    var decompressor: Decompressor
    do throws(CodecError) {
      decompressor = try Decompressor(family, promisedBytes: promisedBytes)
    } catch { throw .codec(error) }
    while true {
      let count: Int
      do throws(Failure) { count = try read(input.memory) } catch { throw .io(error) }
      if count == 0 { break }
      try decompressor.push(input.prefix(count), write: write)
    }
    do throws(CodecError) { try decompressor.finish() } catch { throw .codec(error) }
  }

  /// The raw bytes of `compressed`.
  public static func bytes(
    _ family: CompressionFamily, _ compressed: [UInt8], promisedBytes: Int
  ) throws(CodecError) -> [UInt8] {
    var decompressor = try Decompressor(family, promisedBytes: promisedBytes)
    var raw: [UInt8] = []
    try compressed.withUnsafeBufferPointer { (input) throws(CodecError) in
      do throws(CodingFailure<Never>) {
        try decompressor.push(UnsafeRawBufferPointer(input)) { (piece) throws(Never) in raw += piece }
      } catch {
        switch error {
        case .codec(let cause): throw cause
        }
      }
    }
    try decompressor.finish()
    return raw
  }
}
