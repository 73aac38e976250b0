import DatasetModel
import Foundation
// A process that kills itself as the kernel would kill it needs kill(2).
import Glibc
import LinuxSystem
import Synchronization
import Testing

@testable import ShardCache

/// A cache killed with SIGKILL at every step of its work on the disk, and recovered.
@Suite struct CrashTests {
  static let kills = 200
  static let limit = 60_000

  /// Kills this process when so many steps were reached, or one step for the first time.
  final class Killer: StagingObserver, Sendable {
    private let left: Mutex<Int>
    private let log: String
    /// The step that counts; nil for every one.
    private let target: String?

    init(after steps: Int, of target: String? = nil, log: String) {
      left = Mutex(steps)
      self.target = target
      self.log = log
    }

    func reached(_ step: StagingStep) throws(SystemError) { count(step.rawValue) }

    func count(_ step: String) {
      if let target, step != target { return }
      let isLast = left.withLock { left in
        left -= 1
        return left == 0
      }
      guard isLast else { return }
      let text = Data("\(step)\n".utf8)
      if let file = FileHandle(forWritingAtPath: log) {
        file.seekToEndOfFile()
        file.write(text)
      }
      kill(getpid(), SIGKILL)
    }
  }

  /// The shards of the test: plain, compressed, split, and with the compressed file kept.
  static func requests(_ provider: TestProvider?) throws -> [(shard: TestShard, request: ShardRequest)] {
    try (0..<10).map { number in
      let compression = number % 3 == 0 ? nil : number % 3 == 1 ? "zstd" : "gz"
      let shard = try TestShard(number, bytes: 8000 + 100 * number, compression: compression, split: number % 2 == 1)
      let source = ShardRequest.Source.provider(provider ?? TestProvider([shard]))
      return (shard, shard.request(from: source, keepZip: number % 5 == 4))
    }
  }

  /// What the process that is killed does: shards come and go until it happens.
  static func work(in path: String, until killer: Killer) async throws {
    var options = ShardCache.Options(limits: CacheLimits(total: limit, freeSpaceReserve: 0))
    options.observer = killer
    let pool = BlockingPool(name: "crash", threads: 3)
    let cache = try await ShardCache.open(directory: path, pool: pool, options: options).cache
    let provider = TestProvider(try requests(nil).map(\.shard)) { file, staging in
      killer.count("fetching")
      try staging.descriptor.write([UInt8](repeating: 7, count: file.bytes / 3), at: 0)
      killer.count("half fetched")
      return true
    }
    let requests = try requests(provider).map(\.request)
    for round in 0..<1000 {
      let wanted = [requests[round * 7 % 10], requests[(round * 3 + 1) % 10]]
      _ = try await cache.acquire(round % 2 == 0 ? wanted : Array(wanted[..<1]), deadline: .soon)
    }
  }

  @Test func recoversFromEveryKill() async throws {
    let directory = TemporaryDirectory()
    let logs = TemporaryDirectory()
    try logs.write("steps", [])
    let strangers = ["notes.txt", "staging/mine", "shards/mine/data", "shards/a-file", "quarantine/mine.txt"]
    for name in strangers { try directory.write(name, Array("not Sluice's\n".utf8)) }
    var totals = RecoveryReport()
    for number in 0..<Self.kills {
      // Every count of steps up to 100 twice: the second time from another state of the directory.
      let steps = 1 + number % 100
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [path = directory.path as String, log = "\(logs.path)/steps" as String, steps = steps as Int] in
        try await CrashTests.work(in: path, until: Killer(after: steps, log: log))
      }
      let report = try await check(directory, strangers, kill: number, visiting: number % 10)
      totals.adopted += report.adopted
      totals.swept += report.swept
    }
    var steps = try Self.steps(logs)
    // A step that is seldom reached may have been missed by counting: it is aimed at.
    for step in StagingStep.allCases.map(\.rawValue) where steps[step] == nil {
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [path = directory.path as String, log = "\(logs.path)/steps" as String, step = step as String] in
        try await CrashTests.work(in: path, until: Killer(after: 1, of: step, log: log))
      }
      _ = try await check(directory, strangers, kill: Self.kills, visiting: 0)
    }
    steps = try Self.steps(logs)
    print(
      "killed \(steps.values.reduce(0, +)) times; by step: "
        + steps.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
    print("recovered: \(totals.adopted) copies adopted, \(totals.swept) leftovers removed")
    #expect(steps.values.reduce(0, +) >= Self.kills)
    let missed = Set(StagingStep.allCases.map(\.rawValue)).subtracting(steps.keys)
    #expect(missed.isEmpty, "no kill at \(missed)")
  }

  /// How often a process was killed at each step.
  private static func steps(_ logs: TemporaryDirectory) throws -> [String: Int] {
    let log = String(decoding: try logs.read("steps"), as: UTF8.self)
    return Dictionary(grouping: log.split(separator: "\n").map(String.init), by: { $0 }).mapValues(\.count)
  }

  /// Opens the directory anew, and holds what is there against what may be there.
  private func check(
    _ directory: TemporaryDirectory, _ strangers: [String], kill number: Int, visiting: Int
  ) async throws -> RecoveryReport {
    let test = try await TestCache(in: directory, limit: Self.limit)
    #expect(test.report.quarantined == 0, "kill \(number): \(test.events.warnings)")
    #expect(test.report.foreign.count == strangers.count, "kill \(number): \(test.report.foreign)")
    let files = try directory.files()
    for name in strangers { #expect(try directory.read(name) == Array("not Sluice's\n".utf8)) }
    #expect(files.keys.filter { $0.hasPrefix("staging/") } == ["staging/mine"], "kill \(number)")
    let all = try Self.requests(nil)
    var counted = 0
    for (shard, request) in all {
      let stem =
        "shards/\(CacheLayout.streamName(location: request.location))/"
        + CacheLayout.copyName(request.name, request.key)
      let own = files.filter { $0.key.hasPrefix("\(stem)/") }
      if own.isEmpty { continue }
      counted += request.residentBytes
      #expect(try directory.read("\(stem)/data") == shard.raw[request.name], "kill \(number)")
      let names =
        ["data", "record"] + (request.shard.meta == nil ? [] : ["meta"])
        + (request.keepZip && request.shard.compression != nil ? ["data.zip"] : [])
        + (request.keepZip && request.shard.meta?.zip != nil ? ["meta.zip"] : [])
      #expect(Set(own.keys.map { String($0.dropFirst(stem.count + 1)) }) == Set(names), "kill \(number)")
    }
    let snapshot = test.cache.snapshot()
    #expect(snapshot.bytes.used == counted && snapshot.bytes.counted == counted, "kill \(number)")
    let (shard, _) = all[visiting]
    let request = shard.request(from: .provider(TestProvider([shard])), keepZip: visiting % 5 == 4)
    let lease = try await test.cache.acquire([request], deadline: .soon)[0]
    #expect(try lease.bytes == shard.raw[request.name], "kill \(number)")
    lease.release()
    await test.cache.close()
    return test.report
  }
}
