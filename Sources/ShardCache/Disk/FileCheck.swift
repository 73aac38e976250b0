import Codecs
import DatasetModel
import LinuxSystem

/// What a file must be: its length and a digest, as the index states them.
struct FileCheck: Sendable {
  /// From cheap to dear; what is checked when the configuration names none.
  static let preference: [DigestAlgorithm] = [
    .xxh3Bits64, .xxh64, .xxh3Bits128, .xxh128, .xxh32, .sha1, .sha256, .sha224, .blake2b, .md5, .sha512, .sha384,
    .blake2s, .sha3Bits256, .sha3Bits224, .sha3Bits384, .sha3Bits512,
  ]

  let file: FileRecord
  /// nil when the index lists none that is known: then only the length can be checked.
  let algorithm: DigestAlgorithm?

  init(_ file: FileRecord, validateHash: String?) {
    self.file = file
    if let named = validateHash.flatMap(DigestAlgorithm.init(rawValue:)), file.hashes[named.rawValue] != nil {
      algorithm = named
    } else {
      algorithm = Self.preference.first { file.hashes[$0.rawValue] != nil }
    }
  }

  private init(_ file: FileRecord) {
    self.file = file
    algorithm = nil
  }

  /// The same file by its length alone, for bytes whose digest has been checked.
  var byLength: FileCheck { FileCheck(file) }

  /// Why bytes are not the file.
  enum Mismatch: Error, CustomStringConvertible {
    case length(FileRecord, found: Int)
    case digest(FileRecord, algorithm: String, found: String)
    case codec(FileRecord, CodecError)
    case system(SystemError)

    var description: String {
      switch self {
      case .length(let file, let found): "\(file.basename) has \(found) bytes, the index says \(file.bytes)"
      case .digest(let file, let algorithm, let found):
        "\(file.basename) has the \(algorithm) \(found), the index says \(file.hashes[algorithm] ?? "nothing")"
      case .codec(let file, let error): "\(file.basename): \(error)"
      case .system(let error): error.description
      }
    }
  }

  func newDigest() throws(Mismatch) -> IncrementalDigest? {
    guard let algorithm else { return nil }
    do throws(CodecError) { return try IncrementalDigest(algorithm) } catch { throw .codec(file, error) }
  }

  func compare(_ digest: consuming IncrementalDigest?) throws(Mismatch) {
    guard let algorithm, let found = digest?.finalize() else { return }
    guard found == file.hashes[algorithm.rawValue]?.lowercased() else {
      throw .digest(file, algorithm: algorithm.rawValue, found: found)
    }
  }

  /// Checks the length of an open file.
  func checkLength(_ descriptor: OwnedDescriptor) throws(Mismatch) {
    let found: Int
    do throws(SystemError) { found = try descriptor.size() } catch { throw .system(error) }
    guard found == file.bytes else { throw .length(file, found: found) }
  }

  /// Reads an open file and checks its length and digest.
  func check(_ descriptor: OwnedDescriptor) throws(Mismatch) {
    try checkLength(descriptor)
    guard var digest = try newDigest() else { return }
    try forEachPiece(of: descriptor) { piece throws(Mismatch) in digest.update(piece) }
    try compare(digest)
  }

  /// Bytes read at a time.
  private static let pieceBytes = 1 << 20

  func forEachPiece(
    of descriptor: OwnedDescriptor, _ body: (UnsafeRawBufferPointer) throws(Mismatch) -> Void
  ) throws(Mismatch) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.pieceBytes, alignment: 64)
    defer { buffer.deallocate() }
    var offset = 0
    while true {
      let count: Int
      do throws(SystemError) { count = try descriptor.read(into: buffer, at: offset) } catch { throw .system(error) }
      if count == 0 { return }
      try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      offset += count
    }
  }

  /// Decompresses `zip`, which must be this file, into `raw`, and checks both in the one pass. Answers how many seconds
  /// of it the digests took.
  func decompress(
    _ zip: OwnedDescriptor, _ family: CompressionFamily, to raw: OwnedDescriptor, _ rawCheck: FileCheck
  ) throws(Mismatch) -> Double {
    try checkLength(zip)
    var zipDigest = try newDigest()
    var rawDigest = try rawCheck.newDigest()
    var decompressor: Decompressor
    do throws(CodecError) {
      decompressor = try Decompressor(family, promisedBytes: rawCheck.file.bytes)
    } catch { throw .codec(file, error) }
    var written = 0
    var digesting = Duration.zero
    let clock = ContinuousClock()
    try forEachPiece(of: zip) { piece throws(Mismatch) in
      digesting += clock.measure { zipDigest?.update(piece) }
      do throws(CodingFailure<SystemError>) {
        try decompressor.push(piece) { output throws(SystemError) in
          digesting += clock.measure { rawDigest?.update(output) }
          try raw.write(output, at: written)
          written += output.count
        }
      } catch {
        switch error {
        case .codec(let cause): throw .codec(file, cause)
        case .io(let cause): throw .system(cause)
        }
      }
    }
    // The digest first: "corrupt" is best explained by bytes that are not the file's.
    try compare(zipDigest)
    do throws(CodecError) { try decompressor.finish() } catch { throw .codec(file, error) }
    try rawCheck.compare(rawDigest)
    return Double(digesting.components.seconds) + Double(digesting.components.attoseconds) / 1e18
  }
}
