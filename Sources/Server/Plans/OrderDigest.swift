import Codecs
import Planning

/// Codecs' digests have just the functions that fingerprints take.
extension Codecs.IncrementalDigest: OrderDigest {}

/// The digest that fingerprints are made with.
enum FingerprintDigest {
  /// A fresh SHA-256. Every libcrypto has it; one that has not cannot run this daemon.
  static func make() -> IncrementalDigest {
    do {
      return try Digest.named("sha256")
    } catch {
      preconditionFailure("libcrypto gives no SHA-256: \(error)")
    }
  }
}
