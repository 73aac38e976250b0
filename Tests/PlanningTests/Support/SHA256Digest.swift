import Codecs
import Planning

extension Codecs.IncrementalDigest: Planning.OrderDigest {}

extension EpochPlan {
  /// SHA-256 of the tensor, as the golden data states it.
  func tensorSHA256() throws -> String { tensorDigest(try IncrementalDigest(.sha256)).hexadecimal }
}
