import DatasetModel
import LinuxSystem
import Testing

@testable import ShardCache

/// Clients that hold descriptors beyond a lease, and what an operator can ask for.
@Suite struct HoldingTests {
  private let directory = TemporaryDirectory()

  @Test func anEvictedShardCountsUntilItsHolderLetsGo() async throws {
    let shards = try (0..<4).map { try TestShard($0, bytes: 4000) }
    let provider = TestProvider(shards)
    let requests = shards.map { $0.request(from: .provider(provider)) }
    let test = try await TestCache(in: directory, limit: 4 * 8096)
    let lease = try await test.cache.acquire([requests[0]], deadline: .soon)[0]
    let held = try #require(lease.retain())
    lease.release()
    #expect(!held.isUnwanted)
    #expect(test.cache.evict("c4", shard: requests[0].name).shards == 1)
    #expect(held.isUnwanted)
    await test.cache.settleWork()
    #expect(test.cache.snapshot().bytes.unlinking == 8096)
    #expect(test.cache.snapshot().shards == 0)
    #expect(try held.data.read(count: 4000, at: 0) == shards[0].raw[requests[0].name])
    // The same shard may come again meanwhile, as a copy of its own.
    _ = try await test.cache.acquire([requests[0]], deadline: .soon)
    #expect(test.cache.snapshot().bytes.counted == 2 * 8096)
    held.drop()
    held.drop()
    #expect(test.cache.snapshot().bytes.counted == 8096)
  }

  @Test func clientsCannotHoldSoMuchThatARequestFindsNoRoom() async throws {
    let shards = try (0..<8).map { try TestShard($0, bytes: 4000) }
    let provider = TestProvider(shards)
    let requests = shards.map { $0.request(from: .provider(provider)) }
    let test = try await TestCache(in: directory, limit: 6 * 8096)
    var held: [RetainedShard] = []
    for request in requests {
      let lease = try await test.cache.acquire([request], deadline: .soon)[0]
      if let one = lease.retain() { held.append(one) }
      lease.release()
    }
    #expect(held.count == 3)
    // A client that never lets go cannot stop this.
    #expect(try await test.cache.acquire(Array(requests[5...7]), deadline: .soon).count == 3)
    #expect(test.cache.snapshot().bytes.counted <= 6 * 8096)
    held = []
    #expect(test.cache.snapshot().heldBytes == 0)
  }

  @Test func pinsKeepAndAreRemembered() async throws {
    let shards = try (0..<6).map { try TestShard($0, bytes: 4000) }
    let provider = TestProvider(shards)
    let requests = shards.map { $0.request(from: .provider(provider)) }
    do {
      let test = try await TestCache(in: directory, limit: 2 * 8096)
      try await test.cache.pin(CachePin(stream: "c4", shard: requests[0].name))
      for request in requests { _ = try await test.cache.acquire([request], deadline: .soon) }
      #expect(try test.cache.acquireNow([requests[0]]) != nil)
      let error = await #expect(throws: CacheError.self) {
        _ = try await test.cache.acquire(Array(requests[1...2]), deadline: .soon)
      }
      #expect(error?.code == .limitTooSmall)
      #expect(error?.leastBytes == 3 * 8096)
      await test.cache.close()
    }
    let again = try await TestCache(in: directory, limit: 2 * 8096)
    #expect(again.cache.pins == [CachePin(stream: "c4", shard: requests[0].name)])
    _ = try await again.cache.acquire([requests[4]], deadline: .soon)
    #expect(try again.cache.acquireNow([requests[0]]) != nil)
    try await again.cache.unpin(CachePin(stream: "c4", shard: requests[0].name))
    #expect(try await again.cache.acquire(Array(requests[1...2]), deadline: .soon).count == 2)
    #expect(try again.cache.acquireNow([requests[0]]) == nil)
  }

  @Test func aStreamsOwnLimitIsKeptAndNamed() async throws {
    let shards = try (0..<6).map { try TestShard($0, bytes: 4000) }
    let provider = TestProvider(shards)
    let small = shards.map { $0.request(from: .provider(provider), stream: "small", location: "one") }
    let large = shards.map { $0.request(from: .provider(provider), stream: "large", location: "two") }
    let test = try await TestCache(in: directory, limit: 100_000, streams: ["small": 2 * 8096])
    for (one, other) in zip(small, large) { _ = try await test.cache.acquire([one, other], deadline: .soon) }
    let streams = test.cache.snapshot().streams
    #expect(streams.map(\.stream) == ["large", "small"])
    #expect(streams.map(\.shards) == [6, 2])
    #expect(streams[1].bytes.used == 2 * 8096)
    #expect(streams[1].limit == 2 * 8096)
    let error = await #expect(throws: CacheError.self) {
      _ = try await test.cache.acquire(Array(small[0...2]), deadline: .soon)
    }
    #expect(error?.message.contains("cache_limit of stream small is 16192 bytes") == true)
  }

  @Test func evictionByHandSparesWhatIsInUse() async throws {
    let shards = try (0..<3).map { try TestShard($0, bytes: 4000) }
    let provider = TestProvider(shards)
    let requests = shards.map { $0.request(from: .provider(provider)) }
    let test = try await TestCache(in: directory)
    let leases = try await test.cache.acquire(requests, deadline: .soon)
    leases[0].release()
    leases[1].release()
    #expect(test.cache.evict("c4") == EvictionReport(shards: 2, bytes: 2 * 8096, inUse: 1))
    #expect(try leases[2].bytes == shards[2].raw[requests[2].name])
    await test.cache.settleWork()
    #expect(try directory.files().keys.filter { $0.hasSuffix("/data") }.count == 1)
  }

  @Test func leasesGiveThemselvesBack() async throws {
    let shard = try TestShard(1)
    let test = try await TestCache(in: directory)
    let request = shard.request(from: .provider(TestProvider([shard])))
    do { _ = try await test.cache.acquire([request, request], deadline: .soon) }
    #expect(test.cache.snapshot().leasedBytes == 0)
  }
}
