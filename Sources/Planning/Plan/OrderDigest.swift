/// A digest fed piece by piece. Planning makes bytes; what hashes them is the caller's.
///
/// `Codecs.IncrementalDigest` has these functions and needs no more than a declaration to conform.
public protocol OrderDigest: ~Copyable {
  /// Takes more bytes.
  mutating func update(_ bytes: UnsafeRawBufferPointer)
  /// The digest of all bytes taken.
  consuming func finalizeBytes() -> [UInt8]
}

extension EpochPlan {
  /// The digest of the tensor's bytes, as the reference's would be.
  public func tensorDigest(_ digest: consuming some OrderDigest & ~Copyable) -> [UInt8] {
    forEachTensorChunk { bytes in digest.update(bytes) }
    return digest.finalizeBytes()
  }
}

extension Sequence<UInt8> {
  /// Two lower-case hexadecimal digits a byte.
  public var hexadecimal: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}
