internal import CCrypto

extension Digest {
  /// The 32 bytes of SHA-256 over `bytes`.
  public static func sha256(_ bytes: some Sequence<UInt8>) -> [UInt8] {
    let input = Array(bytes)
    var digest = [UInt8](repeating: 0, count: Int(SHA256_DIGEST_LENGTH))
    // The one-shot form keeps its state on the stack and cannot fail.
    _ = input.withUnsafeBufferPointer { SHA256($0.baseAddress, $0.count, &digest) }
    return digest
  }
}

/// Keyed digests, as signatures of requests use them (RFC 2104).
public enum HMAC {
  private static let blockBytes = 64

  /// The 32 bytes of HMAC-SHA256 of `message` under `key`.
  public static func sha256(key: some Sequence<UInt8>, message: some Sequence<UInt8>) -> [UInt8] {
    var block = Array(key)
    if block.count > blockBytes { block = Digest.sha256(block) }
    block += [UInt8](repeating: 0, count: blockBytes - block.count)
    let inner = Digest.sha256(block.map { $0 ^ 0x36 } + Array(message))
    return Digest.sha256(block.map { $0 ^ 0x5c } + inner)
  }
}
