/// The hash algorithms that Mosaic's writers know (formats.md §7); the raw value is the name in an index.
public enum DigestAlgorithm: String, CaseIterable, Sendable {
  case blake2b
  case blake2s
  case md5
  case sha1
  case sha224
  case sha256
  case sha384
  case sha3Bits224 = "sha3_224"
  case sha3Bits256 = "sha3_256"
  case sha3Bits384 = "sha3_384"
  case sha3Bits512 = "sha3_512"
  case sha512
  case xxh128
  case xxh32
  /// The same digest as `xxh128`.
  case xxh3Bits128 = "xxh3_128"
  case xxh3Bits64 = "xxh3_64"
  case xxh64

  /// Length of the digest in bytes; its hexadecimal text has twice as many characters.
  public var byteCount: Int {
    switch self {
    case .xxh32: 4
    case .xxh64, .xxh3Bits64: 8
    case .md5, .xxh128, .xxh3Bits128: 16
    case .sha1: 20
    case .sha224, .sha3Bits224: 28
    case .sha256, .sha3Bits256, .blake2s: 32
    case .sha384, .sha3Bits384: 48
    case .sha512, .sha3Bits512, .blake2b: 64
    }
  }
}

/// Digests by the names that an index uses, and of whole byte strings.
public enum Digest {
  /// Every name an index may use, sorted.
  public static let knownNames = DigestAlgorithm.allCases.map(\.rawValue).sorted()

  /// A digest in progress for the algorithm an index calls `name`.
  ///
  /// - Throws: `unknownDigest`, which lists the known names.
  public static func named(_ name: String) throws(CodecError) -> IncrementalDigest {
    guard let algorithm = DigestAlgorithm(rawValue: name) else { throw .unknownDigest(name: name) }
    return try IncrementalDigest(algorithm)
  }

  /// The lower-case hexadecimal digest of `bytes`.
  public static func hex(_ name: String, of bytes: some Sequence<UInt8>) throws(CodecError) -> String {
    var digest = try named(name)
    digest.update(Array(bytes))
    return digest.finalize()
  }
}
