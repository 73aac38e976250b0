import DatasetModel
import LinuxSystem
import Testing

@testable import ShardCache

@Suite struct AcquiringTests {
  private let directory = TemporaryDirectory()

  @Test(arguments: [nil, "zstd", "gz:6", "br:4", "bz2:1", "snappy"], [false, true])
  func deliversWhatTheRemoteHolds(_ compression: String?, _ split: Bool) async throws {
    let shard = try TestShard(1, bytes: 300_000, compression: compression, split: split)
    let provider = TestProvider([shard])
    let test = try await TestCache(in: directory)
    let leases = try await test.cache.acquire([shard.request(from: .provider(provider))], deadline: .soon)
    #expect(leases.count == 1)
    #expect(try leases[0].bytes == shard.raw[shard.descriptor.data.raw.basename])
    if let meta = shard.descriptor.meta {
      #expect(try leases[0].meta?.read(count: 1000, at: 0) == shard.raw[meta.raw.basename])
    }
    let snapshot = test.cache.snapshot()
    #expect(snapshot.bytes.used == shard.descriptor.rawBytes + ShardRecord.chargedBytes)
    #expect(snapshot.bytes.counted == snapshot.bytes.used)
    #expect(snapshot.leasedBytes == snapshot.bytes.used)
    leases[0].release()
    #expect(test.cache.snapshot().leasedBytes == 0)
    #expect(test.events.warnings.isEmpty)
    let onDisk = try directory.files().filter { $0.key.hasPrefix("shards/") }
    #expect(onDisk.filter { !$0.key.hasSuffix("/record") }.values.reduce(0, +) == shard.descriptor.rawBytes)
    #expect(try directory.files().keys.allSatisfy { !$0.hasPrefix("staging/") })
  }

  @Test func servesFromTheDiskTheSecondTime() async throws {
    let shard = try TestShard(1)
    let provider = TestProvider([shard])
    let test = try await TestCache(in: directory)
    let request = shard.request(from: .provider(provider))
    for _ in 0..<3 { _ = try await test.cache.acquire([request], deadline: .soon) }
    let now = try #require(try test.cache.acquireNow([request]))
    #expect(try now[0].bytes == shard.raw[request.name])
    #expect(provider.totalFetches == 1)
    #expect(test.cache.snapshot().counters.hits == 3)
    #expect(test.cache.snapshot().counters.misses == 1)
  }

  @Test func oneDownloadHoweverManyAskAtOnce() async throws {
    let shards = try (0..<8).map { try TestShard($0, compression: $0 % 2 == 0 ? "zstd" : nil) }
    let gate = Gate()
    let provider = TestProvider(shards) { _, _ in
      await gate.wait()
      return true
    }
    let test = try await TestCache(in: directory)
    // Two datasets' streams of different names at one location are the same shards.
    let requests = shards.map { $0.request(from: .provider(provider)) }
    let others = shards.map { $0.request(from: .provider(provider), stream: "other-name") }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for job in 0..<20 {
        group.addTask {
          let wanted = job % 2 == 0 ? requests : others
          let leases = try await test.cache.acquire([wanted[job % 8], wanted[(job + 3) % 8]], deadline: .soon)
          for (lease, number) in zip(leases, [job % 8, (job + 3) % 8]) {
            #expect(try lease.bytes == shards[number].raw[lease.request.name])
          }
        }
      }
      group.addTask { gate.open() }
      try await group.waitForAll()
    }
    #expect(provider.fetches.count == 8)
    #expect(provider.fetches.values.allSatisfy { $0 == 1 })
  }

  @Test func keepsTheCompressedFileWhenAsked() async throws {
    let shard = try TestShard(1, compression: "zstd")
    let test = try await TestCache(in: directory)
    let request = shard.request(from: .provider(TestProvider([shard])), keepZip: true)
    _ = try await test.cache.acquire([request], deadline: .soon)
    #expect(test.cache.snapshot().bytes.used == shard.descriptor.peakBytes + ShardRecord.chargedBytes)
    let zip = try #require(try directory.files().first { $0.key.hasSuffix("/data.zip") })
    #expect(zip.value == shard.descriptor.data.zip?.bytes)
  }

  @Test func fetchesAgainWhatIsNotWhatTheIndexSays() async throws {
    let shard = try TestShard(1, bytes: 5000)
    let provider = TestProvider([shard]) { _, staging in
      guard staging.attempt == 1 else { return true }
      try staging.descriptor.write([UInt8](repeating: 1, count: 5000), at: 0)
      return false
    }
    let test = try await TestCache(in: directory)
    let lease = try await test.cache.acquire([shard.request(from: .provider(provider))], deadline: .soon)[0]
    #expect(try lease.bytes == shard.raw[lease.request.name])
    #expect(provider.totalFetches == 2)
    #expect(test.events.warnings.count == 1)
  }

  @Test(arguments: ["length", "digest", "zip"])
  func givesUpOnWhatStaysWrong(_ fault: String) async throws {
    let shard = try TestShard(1, bytes: 5000, compression: fault == "zip" ? "zstd" : nil)
    let provider = TestProvider([shard]) { file, staging in
      let bytes = [UInt8](repeating: 1, count: fault == "length" ? file.bytes - 1 : file.bytes)
      try staging.descriptor.write(bytes, at: 0)
      return false
    }
    let test = try await TestCache(in: directory)
    let request = shard.request(from: .provider(provider), attempts: 3)
    let error = await #expect(throws: CacheError.self) {
      _ = try await test.cache.acquire([request], deadline: .soon)
    }
    #expect(error?.code == .corrupt)
    #expect(error?.attempts == 3)
    #expect(error?.message.contains("stream c4, shard shard.00001.mds") == true)
    #expect(provider.totalFetches == 3)
    #expect(test.cache.snapshot().bytes.counted == 0)
    #expect(try directory.files().keys.allSatisfy { !$0.contains("/") })
  }

  @Test func passesOnWhyTheRemoteFailed() async throws {
    let shard = try TestShard(1)
    let test = try await TestCache(in: directory)
    let error = await #expect(throws: CacheError.self) {
      _ = try await test.cache.acquire([shard.request(from: .provider(TestProvider([])))], deadline: .soon)
    }
    #expect(error?.code == .unavailable)
    #expect(error?.message.contains("no object shard.00001.mds") == true)
    #expect(test.cache.snapshot().bytes.counted == 0)
  }

  @Test func refusesADigestThatTheIndexDoesNotList() async throws {
    let shard = try TestShard(1, hashes: ["sha1"])
    let test = try await TestCache(in: directory)
    for (name, words) in [("xxh64", "it has sha1"), ("crc", "unknown hash algorithm")] {
      let error = await #expect(throws: CacheError.self) {
        let request = shard.request(from: .provider(TestProvider([shard])), validateHash: name)
        _ = try await test.cache.acquire([request], deadline: .soon)
      }
      #expect(error?.code == .configuration)
      #expect(error?.message.contains(words) == true)
    }
  }

  @Test func checksADigestLaterWhenSomebodyInsists() async throws {
    let shard = try TestShard(1, hashes: ["xxh64", "sha256"])
    let provider = TestProvider([shard])
    let test = try await TestCache(in: directory)
    _ = try await test.cache.acquire([shard.request(from: .provider(provider))], deadline: .soon)
    // Damage the committed copy; its size stays, so that only a digest can tell.
    let name = try #require(try directory.files().keys.first { $0.hasSuffix("/data") })
    var bytes = try directory.read(name)
    bytes[17] ^= 1
    try directory.write(name, bytes)
    let strict = shard.request(from: .provider(provider), validateHash: "sha256")
    let lease = try await test.cache.acquire([strict], deadline: .soon)[0]
    #expect(try lease.bytes == shard.raw[lease.request.name])
    #expect(provider.totalFetches == 2)
    await test.cache.close()
    #expect(test.cache.snapshot().bytes.quarantined == shard.descriptor.rawBytes + ShardRecord.chargedBytes)
    #expect(try directory.files().keys.contains { $0.hasPrefix("quarantine/") && $0.hasSuffix("/reason") })
  }

  @Test func fetchesAgainWhatSomebodyDeleted() async throws {
    let shard = try TestShard(1)
    let provider = TestProvider([shard])
    let test = try await TestCache(in: directory)
    let request = shard.request(from: .provider(provider))
    _ = try await test.cache.acquire([request], deadline: .soon)
    let layout = try CacheLayout(path: directory.path)
    let stream = try #require(try layout.shards.entries().first)
    let copy = try #require(try layout.shards.directory(stream.name).entries().first)
    try layout.shards.directory(stream.name).directory(copy.name).unlink("data")
    let lease = try await test.cache.acquire([request], deadline: .soon)[0]
    #expect(try lease.bytes == shard.raw[lease.request.name])
    #expect(provider.totalFetches == 2)
  }
}
