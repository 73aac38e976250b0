import Codecs
import Planning

/// SHA-256 for fingerprints: Codecs' digest in the form in which Planning takes one.
final class OrderDigest: Planning.IncrementalDigest {
  private var digest: Codecs.IncrementalDigest?

  init() throws(CodecError) { digest = try Digest.named("sha256") }

  func update(_ bytes: UnsafeRawBufferPointer) { digest?.update(bytes) }

  func finalize() -> [UInt8] {
    guard let digest = digest.take() else { preconditionFailure("a digest was finished twice") }
    return digest.finalizeBytes()
  }
}
