import DatasetModel
import Testing

@testable import ShardCache

/// The ledger against a naive model, 10⁵ random actions, every invariant after each.
@Suite struct LedgerModelTests {
  struct Setting: Sendable, CustomTestStringConvertible {
    let name: String
    let seed: UInt64
    /// In mean shards.
    let limit: Double
    var streamLimit: Double?
    var testDescription: String { "\(name), seed \(seed)" }
  }

  private static let actions = 20_000

  @Test(arguments: [
    Setting(name: "tight", seed: 0x5eed_0001, limit: 7), Setting(name: "middling", seed: 0x5eed_0002, limit: 14),
    Setting(name: "ample", seed: 0x5eed_0003, limit: 60), Setting(name: "very tight", seed: 0x5eed_0004, limit: 4.5),
    Setting(name: "a stream with its own limit", seed: 0x5eed_0005, limit: 14, streamLimit: 5),
  ])
  func agreesWithANaiveModel(_ setting: Setting) throws {
    let requests = try Self.requests(seed: setting.seed)
    let mean = Double(requests.reduce(0) { $0 + $1.peakBytes }) / Double(requests.count)
    let streams = setting.streamLimit.map { ["a" as StreamName: Int($0 * mean)] } ?? [:]
    var driver = LedgerDriver(
      seed: setting.seed, limit: Int(setting.limit * mean), streamLimits: streams, requests: requests)
    for action in 0..<Self.actions {
      driver.step()
      let faults = driver.check()
      guard faults.isEmpty else {
        Issue.record("seed \(setting.seed), action \(action): \(faults.prefix(5).joined(separator: "; "))")
        return
      }
    }
    driver.drain()
    #expect(driver.check().isEmpty)
    #expect(driver.waiting.isEmpty, "claims wait although nothing is in their way: a deadlock")
    #expect(driver.granted > Self.actions / 50)
    print(
      "ledger, \(setting): \(driver.granted) claims granted, \(driver.refused) refused at once, "
        + "\(driver.ledger.counters.evictions) evictions, \(driver.ledger.counters.prefetches) prefetches")
  }

  private static func requests(seed: UInt64) throws -> [ShardRequest] {
    var random = SeededRandom(seed &+ 1)
    let provider = TestProvider([])
    return (0..<40).map { number in
      let bytes = 1000 + random.below(9000)
      let zip = random.chance(50) ? FileRecord(basename: "\(number).zip", bytes: bytes / 2) : nil
      let shard = ShardDescriptor(
        format: .mds, samples: 1, data: FilePair(raw: FileRecord(basename: "\(number)", bytes: bytes), zip: zip),
        compression: zip == nil ? nil : "zstd", schema: 0)
      return ShardRequest(
        stream: ["a", "b", "c"][number % 3], location: "x", shard: shard, source: .provider(provider),
        keepZip: random.chance(20))
    }
  }
}
