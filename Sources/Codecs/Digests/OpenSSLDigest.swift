internal import CCrypto

/// A digest of libcrypto behind its EVP face.
final class OpenSSLDigest: DigestState {
  private let context: OpaquePointer
  private let byteCount: Int

  init(_ algorithm: DigestAlgorithm) throws(CodecError) {
    guard let method = Self.method(algorithm) else { throw .digestUnavailable(algorithm) }
    guard let context = EVP_MD_CTX_new() else { throw .outOfMemory(library: "OpenSSL") }
    self.context = context
    byteCount = algorithm.byteCount
    // From here on deinit frees the context.
    guard EVP_DigestInit_ex(context, method, nil) == 1 else { throw .digestUnavailable(algorithm) }
  }

  deinit { EVP_MD_CTX_free(context) }

  func update(_ start: UnsafeRawPointer, _ count: Int) {
    // After a successful init neither update nor final can fail for these algorithms.
    let accepted = EVP_DigestUpdate(context, start, count)
    precondition(accepted == 1, "EVP_DigestUpdate refused bytes")
  }

  func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
    var count: UInt32 = 0
    let done = EVP_DigestFinal_ex(context, &digest, &count)
    precondition(done == 1 && Int(count) == byteCount, "EVP_DigestFinal_ex gave no digest")
    return Array(digest.prefix(byteCount))
  }

  private static func method(_ algorithm: DigestAlgorithm) -> OpaquePointer? {
    switch algorithm {
    case .blake2b: EVP_blake2b512()
    case .blake2s: EVP_blake2s256()
    case .md5: EVP_md5()
    case .sha1: EVP_sha1()
    case .sha224: EVP_sha224()
    case .sha256: EVP_sha256()
    case .sha384: EVP_sha384()
    case .sha3Bits224: EVP_sha3_224()
    case .sha3Bits256: EVP_sha3_256()
    case .sha3Bits384: EVP_sha3_384()
    case .sha3Bits512: EVP_sha3_512()
    case .sha512: EVP_sha512()
    case .xxh128, .xxh32, .xxh3Bits128, .xxh3Bits64, .xxh64: nil
    }
  }
}
