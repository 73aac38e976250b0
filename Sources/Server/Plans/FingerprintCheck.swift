import Planning
import WireProtocol

/// Compares what a checkpoint was made of with what there is now.
enum FingerprintCheck {
  /// Warnings for the trainer's log.
  ///
  /// - Throws: `ServerError` with an account of every field that differs, unless the trainer accepts it.
  static func compare(
    _ expected: ExpectedDataset, with order: OrderDescription, fingerprint: Fingerprint
  ) throws(ServerError) -> [String] {
    if expected.fingerprint == fingerprint.description { return [] }
    let account = differences(expected, order)
    if expected.acceptDifferent {
      return ["the data or options are not the checkpoint's, accepted as asked: \(account)"]
    }
    throw ServerError(
      .fingerprint,
      "the data or options are not those the checkpoint was made of: \(account). Restore them, or say that the "
        + "difference is meant (accept_different)")
  }

  private static func differences(_ expected: ExpectedDataset, _ order: OrderDescription) -> String {
    guard !expected.description.isEmpty else {
      return
        "fingerprint \(expected.fingerprint.prefix(12))… was expected; the checkpoint has no description to compare"
    }
    do {
      let lines = order.differences(from: try OrderDescription(text: expected.description))
      return lines.isEmpty ? "the descriptions agree, the fingerprint does not" : lines.joined(separator: "; ")
    } catch {
      return "the checkpoint's description cannot be read (\(error))"
    }
  }
}
