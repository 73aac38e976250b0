import DatasetModel
import Testing

@testable import ShardCache

/// Where the time of a wait goes, through a real cache.
@Suite struct ShardWaitTests {
  private let directory = TemporaryDirectory()

  /// Lets `seconds` pass on the cache's clock: what is measured here is time itself.
  private func pass(_ seconds: Double, on cache: ShardCache) async {
    let end = cache.now + seconds
    while cache.now < end { await Task.yield() }
  }

  /// Waits until one of the claim's shards is in a phase.
  private func reach(_ phase: ShardPhase, _ wait: ShardWait, _ cache: ShardCache) async -> WaitSnapshot {
    while true {
      let standing = cache.standing(of: wait)
      if standing.outstanding.contains(where: { $0.phase == phase }) { return standing }
      await Task.yield()
    }
  }

  /// Acquires, and checks that the causes add up to the time that passed.
  private func acquire(
    _ requests: [ShardRequest], from cache: ShardCache, _ wait: ShardWait,
    sourceLocation: SourceLocation = #_sourceLocation
  ) async throws -> [ShardLease] {
    let start = cache.now
    defer {
      let elapsed = cache.now - start
      let total = wait.seconds.total
      #expect(
        total <= elapsed && total > elapsed - 0.05, "\(wait.seconds) of \(elapsed)", sourceLocation: sourceLocation)
    }
    return try await cache.acquire(requests, deadline: .soon, wait: wait)
  }

  @Test func aSlowRemoteIsDownload() async throws {
    let shard = try TestShard(1, bytes: 4000)
    let gate = Gate()
    let provider = TestProvider([shard]) { _, staging in
      staging.progress(1000)
      await gate.wait()
      return true
    }
    let test = try await TestCache(in: directory)
    let wait = ShardWait()
    async let leases = acquire([shard.request(from: .provider(provider))], from: test.cache, wait)
    let standing = await reach(.download, wait, test.cache)
    await pass(0.2, on: test.cache)
    #expect(standing.outstanding.map(\.shard) == ["shard.00001.mds"])
    #expect(test.cache.standing(of: wait).outstanding.first?.bytes == 1000)
    #expect(test.cache.standing(of: wait).seconds.download >= 0.2)
    gate.open()
    _ = try await leases
    #expect(wait.seconds.download >= 0.2)
    #expect(wait.seconds.queue < 0.1)
  }

  @Test func waitingForATurnIsTheQueue() async throws {
    let shard = try TestShard(1, bytes: 4000)
    let test = try await TestCache(in: directory)
    let cache = test.cache
    let provider = TestProvider([shard]) { _, staging in
      let turn = cache.now + 0.2
      while cache.now < turn { await Task.yield() }
      // As the fetchers say it: no bytes, but the turn has come. A second word of it changes nothing.
      staging.progress(0)
      let first = cache.now + 0.1
      while cache.now < first { await Task.yield() }
      staging.progress(0)
      return true
    }
    let wait = ShardWait()
    _ = try await acquire([shard.request(from: .provider(provider))], from: cache, wait)
    #expect(wait.seconds.queue >= 0.2)
    #expect(wait.seconds.download >= 0.1 && wait.seconds.download < 0.2)
  }

  @Test func aTightLimitIsTheQueue() async throws {
    let shards = try (0..<2).map { try TestShard($0, bytes: 4000) }
    let provider = TestProvider(shards)
    let test = try await TestCache(in: directory, limit: 10_000)
    let held = try await test.cache.acquire([shards[0].request(from: .provider(provider))], deadline: .soon)
    let wait = ShardWait()
    async let leases = acquire([shards[1].request(from: .provider(provider))], from: test.cache, wait)
    let standing = await reach(.queue, wait, test.cache)
    #expect(standing.room?.contains("waits for room") == true)
    await pass(0.2, on: test.cache)
    held[0].release()
    _ = try await leases
    #expect(wait.seconds.queue >= 0.2)
    #expect(wait.seconds.download < 0.1)
  }

  @Test func aCompressedShardIsDecompression() async throws {
    let shard = try TestShard(1, bytes: 400_000, compression: "bz2:9", hashes: ["sha256"])
    let test = try await TestCache(in: directory)
    let wait = ShardWait()
    _ = try await acquire([shard.request(from: .provider(TestProvider([shard])))], from: test.cache, wait)
    #expect(wait.seconds.decompress > 0 && wait.seconds.verify > 0)
    #expect(wait.seconds.decompress > wait.seconds.download)
  }

  @Test func theShardThatCameLastIsToBlame() async throws {
    let shards = try (0..<3).map { try TestShard($0, bytes: 4000) }
    let gate = Gate()
    let provider = TestProvider(shards) { file, _ in
      if file.basename == "shard.00001.mds" { await gate.wait() }
      return true
    }
    let test = try await TestCache(in: directory)
    // One of them was on its way before anybody waited: only the rest of it is a wait.
    let early = Task { try await test.cache.acquire([shards[1].request(from: .provider(provider))], deadline: .soon) }
    while test.cache.downloads().isEmpty { await Task.yield() }
    await pass(0.3, on: test.cache)
    let wait = ShardWait()
    async let leases = acquire(shards.map { $0.request(from: .provider(provider)) }, from: test.cache, wait)
    _ = await reach(.download, wait, test.cache)
    await pass(0.1, on: test.cache)
    gate.open()
    _ = try await (leases, early.value)
    #expect(wait.seconds.download >= 0.1 && wait.seconds.download < 0.3)
  }

  @Test func aWaitThatFailsIsCountedToo() async throws {
    let shard = try TestShard(1, bytes: 4000)
    let gate = Gate()
    let provider = TestProvider([shard]) { _, _ in
      await gate.wait()
      return true
    }
    let test = try await TestCache(in: directory)
    let wait = ShardWait()
    await #expect(throws: CacheError.self) {
      _ = try await test.cache.acquire(
        [shard.request(from: .provider(provider))], deadline: .now + .milliseconds(200), wait: wait)
    }
    #expect(wait.seconds.download > 0.1)
    #expect(test.cache.standing(of: wait).outstanding.isEmpty)
    gate.open()
    await test.cache.settleWork()
  }
}
