import DatasetModel
import Synchronization
import Testing

@testable import ShardCache

/// What a session downloads, against the least that any policy could, and against evicting the least recently used.
@Suite struct CacheTraceTests {
  struct Setting: Sendable, CustomTestStringConvertible {
    let trace: String
    let percent: Int
    var testDescription: String { "\(trace), limit \(percent) %" }
  }

  static let settings = ["py1e", "py1s", "naive"].flatMap { trace in
    [10, 25, 50].map { Setting(trace: trace, percent: $0) }
  }
  private static let shardBytes = 60_000

  @Test(arguments: settings) func downloadsEqualBeladysBound(_ setting: Setting) throws {
    let trace = try Trace(setting.trace)
    let requests = try Self.requests(trace.shards)
    let capacity = trace.shards * setting.percent / 100
    let limit = capacity * requests[0].peakBytes
    let bound = trace.beladyDownloads(capacity: capacity) * Self.shardBytes
    let recent = trace.leastRecentlyUsedDownloads(capacity: capacity) * Self.shardBytes
    var downloaded = 0
    var stalls: [Int: Int] = [:]
    for (prefetches, seed) in [(0, 1), (1, 2), (4, 3), (4, 4)] as [(Int, UInt64)] {
      var replay = LedgerReplay(trace, requests: requests, limit: limit, prefetches: prefetches, seed: seed)
      downloaded = try replay.run(trace)
      #expect(downloaded == bound, "seed \(seed), \(prefetches) prefetches at once")
      stalls[prefetches] = replay.stalls
    }
    let all = trace.positions.count
    print(
      "| \(setting.trace) | \(setting.percent) % | \(bound / 1000) | \(downloaded / 1000) | \(recent / 1000) "
        + "| \(Self.percent(recent - downloaded, of: recent)) | \(Self.percent(stalls[0] ?? 0, of: all)) "
        + "| \(Self.percent(stalls[4] ?? 0, of: all)) |")
    #expect(recent >= bound)
  }

  private static func requests(_ count: Int) throws -> [ShardRequest] {
    let provider = TestProvider([])
    return (0..<count).map { number in
      let file = FileRecord(basename: "\(number)", bytes: shardBytes)
      let shard = ShardDescriptor(format: .mds, samples: 48, data: FilePair(raw: file), schema: 0)
      return ShardRequest(stream: "trace", location: "x", shard: shard, source: .provider(provider))
    }
  }

  private static func percent(_ part: Int, of whole: Int) -> String {
    let tenths = whole == 0 ? 0 : (part * 1000 + whole / 2) / whole
    return "\(tenths / 10).\(tenths % 10) %"
  }
}
