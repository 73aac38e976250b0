import Planning
import Testing

@testable import Server

/// A tight limit is said once for a dataset, and again when it is another matter.
@Suite struct TightLimitsTests {
  private var tight = TightLimits()

  private static func subject(
    _ dataset: String = "pretrain", _ byte: UInt8 = 1, _ option: String = "cache.limit"
  ) -> TightLimits.Subject {
    TightLimits.Subject(
      dataset: dataset, fingerprint: Fingerprint([UInt8](repeating: byte, count: 32)), option: option)
  }

  @Test mutating func onceAndAgainWhenItChanges() {
    let subject = Self.subject()
    var news: [Bool] = []
    for (limit, bytes) in [(100, 60), (100, 60), (100, 55), (100, 61), (100, 60), (90, 60), (90, 60), (100, 60)] {
      news.append(tight.isNews(subject, limit: limit, batchBytes: bytes))
    }
    #expect(news == [true, false, false, true, false, true, false, true])
  }

  @Test mutating func datasetsTheirChangesAndLimitsAreToldApart() {
    for subject in [
      Self.subject(), Self.subject("validate"), Self.subject("pretrain", 2),
      Self.subject("pretrain", 1, "cache_limit of stream web"),
    ] {
      let news = [0, 1].map { _ in tight.isNews(subject, limit: 100, batchBytes: 60) }
      #expect(news == [true, false])
    }
  }

  @Test mutating func theMemoryIsBoundedAndTheLongestUnusedIsForgotten() {
    let first = Self.subject("first")
    _ = tight.isNews(first, limit: 1, batchBytes: 1)
    let second = Self.subject("second")
    _ = tight.isNews(second, limit: 1, batchBytes: 1)
    for number in 2..<TightLimits.kept + 1 {
      _ = tight.isNews(first, limit: 1, batchBytes: 1)
      _ = tight.isNews(Self.subject("\(number)"), limit: 1, batchBytes: 1)
    }
    let news = [tight.isNews(first, limit: 1, batchBytes: 1), tight.isNews(second, limit: 1, batchBytes: 1)]
    #expect(news == [false, true])
  }
}
