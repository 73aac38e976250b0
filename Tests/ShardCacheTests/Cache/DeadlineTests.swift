import DatasetModel
import Testing

@testable import ShardCache

@Suite struct DeadlineTests {
  private let directory = TemporaryDirectory()

  @Test func aSlowDownloadIsNamed() async throws {
    let shard = try TestShard(1, bytes: 4000)
    let gate = Gate()
    let provider = TestProvider([shard]) { _, staging in
      staging.progress(1234)
      await gate.wait()
      return true
    }
    let test = try await TestCache(in: directory)
    let request = shard.request(from: .provider(provider))
    let error = await #expect(throws: CacheError.self) {
      _ = try await test.cache.acquire([request], deadline: .now + .milliseconds(50))
    }
    #expect(error?.code == .deadline)
    let message = error?.message ?? ""
    #expect(message.contains("stream c4, shard shard.00001.mds"))
    #expect(message.contains("is being downloaded, attempt 1"))
    #expect(message.contains("of 4000 bytes"))
    // The download goes on, and serves the next one who asks.
    gate.open()
    _ = try await test.cache.acquire([request], deadline: .soon)
    #expect(provider.totalFetches == 1)
  }

  @Test func aWaitForRoomIsNamed() async throws {
    let shards = try (0..<2).map { try TestShard($0, bytes: 4000) }
    let provider = TestProvider(shards)
    let test = try await TestCache(in: directory, limit: 10_000)
    let held = try await test.cache.acquire([shards[0].request(from: .provider(provider))], deadline: .soon)
    let error = await #expect(throws: CacheError.self) {
      let request = shards[1].request(from: .provider(provider))
      _ = try await test.cache.acquire([request], deadline: .now + .milliseconds(50))
    }
    #expect(error?.code == .deadline)
    #expect(error?.message.contains("waits for room: 8096 bytes wanted of 10000, 8096 in use") == true)
    held[0].release()
    _ = try await test.cache.acquire([shards[1].request(from: .provider(provider))], deadline: .soon)
    #expect(test.cache.snapshot().counters.evictions == 1)
  }

  @Test func aCancelledWaitEndsAndHoldsNothing() async throws {
    let shards = try (0..<2).map { try TestShard($0, bytes: 4000) }
    let provider = TestProvider(shards)
    let test = try await TestCache(in: directory, limit: 10_000)
    let held = try await test.cache.acquire([shards[0].request(from: .provider(provider))], deadline: .soon)
    let task = Task { try await test.cache.acquire([shards[1].request(from: .provider(provider))], deadline: .soon) }
    task.cancel()
    let error = await #expect(throws: CacheError.self) { _ = try await task.value }
    #expect(error?.code == .closed)
    #expect(test.cache.snapshot().waitingClaims == 0)
    held[0].release()
  }

  @Test func aLimitTooSmallIsRefusedAtOnceWithWhatWouldDo() async throws {
    let shards = try (0..<3).map { try TestShard($0, bytes: 4000, compression: "gz") }
    let provider = TestProvider(shards)
    let requests = shards.map { $0.request(from: .provider(provider)) }
    let least = CacheLimits.minimum(for: [requests, Array(requests[..<1])])
    let test = try await TestCache(in: directory, limit: least - 1)
    let error = await #expect(throws: CacheError.self) {
      _ = try await test.cache.acquire(requests, deadline: .soon)
    }
    #expect(error?.code == .limitTooSmall)
    #expect(error?.leastBytes == least)
    #expect(throws: CacheError.self) { try test.cache.checkLimits([requests]) }
    #expect(provider.totalFetches == 0)
    await test.cache.setLimits(CacheLimits(total: least, freeSpaceReserve: 0))
    #expect(try await test.cache.acquire(requests, deadline: .soon).count == 3)
  }

  @Test func closingTellsThoseWhoWait() async throws {
    let shards = try (0..<2).map { try TestShard($0, bytes: 4000) }
    let gate = Gate()
    let provider = TestProvider(shards) { _, _ in
      await gate.wait()
      try Task.checkCancellation()
      return true
    }
    let test = try await TestCache(in: directory, limit: 10_000)
    let reached = Gate()
    let task = Task {
      reached.open()
      return try await test.cache.acquire([shards[0].request(from: .provider(provider))], deadline: .soon)
    }
    await reached.wait()
    async let closing: Void = test.cache.close()
    gate.open()
    await closing
    let result = await task.result
    #expect(throws: CacheError.self) { _ = try result.get() }
    #expect(test.cache.snapshot().bytes.counted == 0 || test.cache.snapshot().bytes.used > 0)
  }
}
