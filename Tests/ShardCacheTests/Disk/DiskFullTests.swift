import DatasetModel
import Foundation
import LinuxSystem
import SystemPackage
import Testing

@testable import ShardCache

/// A small file system of its own, in memory; made only where this process may mount.
final class SmallDisk: Sendable {
  let directory = TemporaryDirectory()

  struct Refused: Error, CustomStringConvertible {
    let description: String
  }

  init(megabytes: Int) throws {
    let status = try SmallDisk.run("/bin/mount", ["-t", "tmpfs", "-o", "size=\(megabytes)m", "tmpfs", directory.path])
    guard status.isEmpty else { throw Refused(description: "cannot mount a tmpfs here: \(status)") }
  }

  deinit {
    do { _ = try SmallDisk.run("/bin/umount", ["-l", directory.path]) } catch {
      print("still mounted: \(directory.path)")
    }
  }

  /// What the program says when it fails; empty when it does not.
  private static func run(_ path: String, _ arguments: [String]) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    let output = Pipe()
    process.standardError = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return process.terminationStatus == 0 ? "" : "\(path) answers \(process.terminationStatus): \(text)"
  }

  static var whyNot: String? {
    do {
      _ = try SmallDisk(megabytes: 1)
      return nil
    } catch { return "\(error)" }
  }

  /// Fills the disk to the last byte.
  func fill() throws {
    let home = try Directory(path: directory.path)
    let file = try home.openOrCreate("other-peoples-data")
    let free = try home.freeSpace().available
    try file.allocate(bytes: free)
    try file.truncate(to: try file.size() + free)
  }

  func free() throws { try Directory(path: directory.path).unlink("other-peoples-data") }
}

@Suite struct DiskFullTests {
  private static let shardBytes = 700_000

  private func shards(_ count: Int) throws -> [TestShard] {
    try (0..<count).map { try TestShard($0, bytes: Self.shardBytes) }
  }

  @Test func withoutALimitTheDiskIsTheLimit() async throws {
    if let reason = SmallDisk.whyNot { return print("skipped: \(reason)") }
    let disk = try SmallDisk(megabytes: 8)
    let shards = try shards(20)
    let provider = TestProvider(shards)
    let test = try await TestCache(in: disk.directory, reserve: 1 << 20)
    for shard in shards {
      let lease = try await test.cache.acquire([shard.request(from: .provider(provider))], deadline: .soon)[0]
      #expect(try lease.bytes == shard.raw[lease.request.name])
      let free = try Directory(path: disk.directory.path).freeSpace().available
      #expect(free >= 1 << 20, "the reserve is kept")
    }
    #expect(test.cache.snapshot().counters.evictions >= 10)
    #expect(test.cache.snapshot().shards >= 8)
  }

  @Test func aDiskFilledByOthersFailsInTimeAndServesAgainOnceFreed() async throws {
    if let reason = SmallDisk.whyNot { return print("skipped: \(reason)") }
    let disk = try SmallDisk(megabytes: 8)
    let shards = try shards(6)
    let provider = TestProvider(shards)
    let test = try await TestCache(in: disk.directory, limit: 100 << 20)
    let requests = shards.map { $0.request(from: .provider(provider)) }
    _ = try await test.cache.acquire([requests[0]], deadline: .soon)
    try disk.fill()
    // What the cache has itself makes room first: one shard leaves for another.
    _ = try await test.cache.acquire([requests[1]], deadline: .soon)
    #expect(test.cache.snapshot().counters.evictions == 1)
    // Two at once do not fit, whatever leaves.
    let error = await #expect(throws: CacheError.self) {
      _ = try await test.cache.acquire(Array(requests[2...3]), deadline: .now + .milliseconds(300))
    }
    #expect(error?.code == .noSpace)
    #expect(error?.message.contains("the disk of \(disk.directory.path) is full") == true, "\(error?.message ?? "")")
    #expect(test.events.warnings.contains { $0.contains("the disk lacks") })
    // Somebody frees the disk while a request waits: it goes on by itself.
    async let waiting = test.cache.acquire(Array(requests[2...3]), deadline: .soon)
    try disk.free()
    for lease in try await waiting { #expect(try lease.bytes.count == Self.shardBytes) }
    #expect(test.cache.snapshot().bytes.reserved == 0)
    let onDisk = try disk.directory.files()
    #expect(onDisk.keys.allSatisfy { !$0.hasPrefix("staging/") })
  }

  @Test func whatTheCacheUnlinksMakesRoomWithoutALook() async throws {
    if let reason = SmallDisk.whyNot { return print("skipped: \(reason)") }
    let disk = try SmallDisk(megabytes: 8)
    let shards = try shards(4)
    let provider = TestProvider(shards)
    // The disk would be looked at again in an hour: what happens sooner happens because of our own unlinks.
    let test = try await TestCache(in: disk.directory, limit: 100 << 20, firstDiskLook: .seconds(3600))
    let requests = shards.map { $0.request(from: .provider(provider)) }
    var leases = try await test.cache.acquire(Array(requests[0...2]), deadline: .soon)
    try disk.fill()
    async let waiting = test.cache.acquire([requests[3]], deadline: .soon)
    while test.cache.snapshot().waitingClaims == 0 || !test.cache.isWaitingForDisk { await Task.yield() }
    leases.remove(at: 1).release()
    #expect(try await waiting[0].bytes.count == Self.shardBytes)
    #expect(test.cache.snapshot().counters.evictions == 1)
    #expect(try leases[0].bytes.count == Self.shardBytes)
    await test.cache.close()
  }

  /// Fails a step as a full disk would, so many times.
  final class FullAt: StagingObserver, Sendable {
    private let step: StagingStep
    private let left: Gauge

    init(_ step: StagingStep, times: Int) {
      self.step = step
      left = Gauge(times)
    }

    func reached(_ step: StagingStep) throws(SystemError) {
      if step == self.step, left.take() { throw SystemError("write", "a test", .noSpace) }
    }
  }

  @Test(arguments: [StagingStep.directoryMade, .filesMade, .spaceTaken, .fetched, .filesSynced, .recordWritten])
  func aStepThatFindsTheDiskFullIsRetriedWithRoomMade(_ step: StagingStep) async throws {
    let directory = TemporaryDirectory()
    let shards = try (0..<3).map { try TestShard($0) }
    let provider = TestProvider(shards)
    let full = FullAt(step, times: 1)
    let test = try await TestCache(in: directory, observer: full)
    for shard in shards {
      let lease = try await test.cache.acquire([shard.request(from: .provider(provider))], deadline: .soon)[0]
      #expect(try lease.bytes == shard.raw[lease.request.name])
    }
    #expect(test.cache.snapshot().bytes.counted == test.cache.snapshot().bytes.used)
  }

  @Test func aDiskThatStaysFullIsAnError() async throws {
    let directory = TemporaryDirectory()
    let shard = try TestShard(0)
    let full = FullAt(.spaceTaken, times: 1000)
    let test = try await TestCache(in: directory, observer: full)
    let error = await #expect(throws: CacheError.self) {
      let request = shard.request(from: .provider(TestProvider([shard])))
      _ = try await test.cache.acquire([request], deadline: .now + .seconds(60))
    }
    #expect(error?.code == .noSpace)
    #expect(test.cache.snapshot().bytes.counted == 0)
    #expect(try directory.files().keys.allSatisfy { !$0.contains("/") })
  }
}
