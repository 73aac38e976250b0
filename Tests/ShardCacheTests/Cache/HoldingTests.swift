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

  /// Three shards fit; the session uses 0, 1, 2 and 3 in turn, and its client holds 0 open.
  @Test func whatShouldLeaveIsAskedBackFromItsHolder() async throws {
    let shards = try (0..<4).map { try TestShard($0, bytes: 4000) }
    let provider = TestProvider(shards)
    let requests = shards.map { $0.request(from: .provider(provider)) }
    let test = try await TestCache(in: directory, limit: 4 * 8096 - 1)
    let lease = try await test.cache.acquire([requests[0]], deadline: .soon)[0]
    let held = try #require(lease.retain())
    lease.release()
    let session = test.cache.openSession()
    let uses = ListedUses(positions: [[0], [1], [2], [3], [1], [2], [3], [0]], shards: 4)
    await test.cache.setFuture(of: session, uses, shards: requests, bounds: AheadBounds(positions: 0))
    for shard in 1...2 {
      test.cache.advance(session, to: shard)
      _ = try await test.cache.acquire([requests[shard]], deadline: .soon)
    }
    #expect(!held.isUnwanted, "nothing has had to leave yet")
    let recalls = test.cache.recalls
    // Shard 0 is needed last, but clients hold it: another one leaves, and 0 is asked back for the next time.
    test.cache.advance(session, to: 3)
    _ = try await test.cache.acquire([requests[3]], deadline: .soon)
    #expect(test.cache.recalls > recalls)
    #expect(held.isUnwanted)
    #expect(try test.cache.acquireNow([requests[2]]) == nil, "of the two that nobody holds, the one needed last left")
    held.drop()
    test.cache.advance(session, to: 4)
    _ = try await test.cache.acquire([requests[2]], deadline: .soon)
    #expect(try test.cache.acquireNow([requests[0]]) == nil, "now it leaves first")
    #expect(try test.cache.acquireNow([requests[1]]) != nil)
  }

  @Test func whatWillHaveToLeaveIsNotGivenToBeHeld() async throws {
    let shards = try (0..<5).map { try TestShard($0, bytes: 4000) }
    let provider = TestProvider(shards)
    let requests = shards.map { $0.request(from: .provider(provider)) }
    let test = try await TestCache(in: directory, limit: 4 * 8096)
    let session = test.cache.openSession()
    let rest = (6...60).map { position in [30: [2], 35: [3], 40: [0], 50: [1]][position] ?? [] }
    let uses = ListedUses(positions: [[0], [1], [2], [3], [4], [4]] + rest, shards: 5)
    await test.cache.setFuture(of: session, uses, shards: requests, bounds: AheadBounds(positions: 0))
    for shard in 0...3 {
      test.cache.advance(session, to: shard)
      let lease = try await test.cache.acquire([requests[shard]], deadline: .soon)[0]
      #expect(lease.retain() == nil, "something will have to leave, and nobody knows what yet")
      lease.release()
    }
    test.cache.advance(session, to: 4)
    // Shard 1 leaves, which is needed in 46 positions: what is needed as late would have to leave as well.
    let lease = try await test.cache.acquire([requests[4]], deadline: .soon)[0]
    #expect(lease.retain() != nil, "needed in the next batch again")
    lease.release()
    test.cache.advance(session, to: 5)
    let again = try await test.cache.acquire([requests[0], requests[4]], deadline: .soon)
    #expect(again[0].retain() != nil, "needed sooner than what had to leave")
    #expect(again[1].retain() == nil, "needed by nobody after this batch")
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
