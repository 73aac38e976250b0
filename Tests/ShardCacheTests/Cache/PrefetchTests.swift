import DatasetModel
import LinuxSystem
import Synchronization
import Testing

@testable import ShardCache

/// Prefetching with real files, real downloads and real time.
@Suite struct PrefetchTests {
  private let directory = TemporaryDirectory()

  private func requests(_ count: Int, bytes: Int = 1000) throws -> (TestProvider, [TestShard], [ShardRequest]) {
    let shards = try (0..<count).map { try TestShard($0, bytes: bytes) }
    let provider = TestProvider(shards)
    return (provider, shards, shards.map { $0.request(from: .provider(provider)) })
  }

  /// Runs `body` while the cache prefetches.
  private func prefetching(
    _ cache: ShardCache, downloads: Int, _ body: @escaping @Sendable () async throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await cache.prefetch(downloads: downloads) }
      try await body()
      group.cancelAll()
    }
  }

  /// What a trainer does: batch after batch, all of its shards at once.
  private func train(
    _ cache: ShardCache, _ session: SessionID, _ positions: ArraySlice<[Int]>, _ requests: [ShardRequest],
    _ shards: [TestShard]
  ) async throws {
    for position in positions.indices {
      let wanted = positions[position].map { requests[$0] }
      let leases: [ShardLease]
      if let there = try cache.acquireNow(wanted) {
        leases = there
      } else {
        leases = try await cache.acquire(wanted, deadline: .soon)
      }
      for (lease, shard) in zip(leases, positions[position]) {
        #expect(try lease.data.size() == shards[shard].descriptor.data.raw.bytes)
        lease.release()
      }
      cache.advance(session, to: position + 1)
    }
  }

  @Test func downloadsNoMoreThanBeladysBoundOnARealDisk() async throws {
    let trace = try Trace("py1e")
    let capacity = trace.shards / 4
    let (provider, shards, requests) = try requests(trace.shards)
    let test = try await TestCache(in: directory, limit: capacity * requests[0].peakBytes)
    let session = test.cache.openSession()
    await test.cache.setFuture(
      of: session, ListedUses(positions: trace.positions, shards: trace.shards), shards: requests)
    try await prefetching(test.cache, downloads: 3) {
      try await train(test.cache, session, trace.positions[...], requests, shards)
    }
    #expect(provider.totalFetches == trace.beladyDownloads(capacity: capacity))
    let counters = test.cache.snapshot().counters
    #expect(counters.prefetches > provider.totalFetches / 2, "most came before they were asked for")
    #expect(counters.wastedPrefetches == 0)
  }

  @Test func twoJobsShareEveryDownload() async throws {
    let trace = try Trace("py1s")
    let (provider, shards, requests) = try requests(trace.shards)
    let test = try await TestCache(in: directory)
    let positions = trace.positions[..<720]
    let uses = ListedUses(positions: Array(positions), shards: trace.shards)
    try await prefetching(test.cache, downloads: 4) {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<2 {
          group.addTask {
            let session = test.cache.openSession()
            await test.cache.setFuture(of: session, uses, shards: requests)
            try await train(test.cache, session, positions, requests, shards)
            test.cache.closeSession(session)
          }
        }
        try await group.waitForAll()
      }
    }
    #expect(provider.fetches.count == Set(positions.joined()).count)
    #expect(provider.fetches.values.allSatisfy { $0 == 1 })
  }

  @Test func jobsUnderATightLimitSlowDownButFinish() async throws {
    let trace = try Trace("naive")
    let (_, shards, requests) = try requests(trace.shards)
    // Room for one batch of one of them, and two shards more.
    let test = try await TestCache(in: directory, limit: 10 * requests[0].peakBytes)
    try await prefetching(test.cache, downloads: 2) {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for job in 0..<4 {
          let positions = trace.positions[(job * 30)..<(job * 30 + 30)]
          let uses = ListedUses(positions: Array(trace.positions[..<150]), shards: trace.shards)
          group.addTask {
            let session = test.cache.openSession()
            await test.cache.setFuture(of: session, uses, shards: requests, position: job * 30)
            try await train(test.cache, session, positions, requests, shards)
            test.cache.closeSession(session)
          }
        }
        try await group.waitForAll()
      }
    }
    await test.cache.settleWork()
    #expect(test.cache.snapshot().bytes.counted <= 10 * requests[0].peakBytes)
    #expect(test.cache.snapshot().leasedBytes == 0)
    #expect(test.cache.snapshot().sessions == 0)
  }

  @Test func predownloadBoundsHowFarAhead() async throws {
    let (provider, _, requests) = try requests(40)
    let test = try await TestCache(in: directory)
    let uses = ListedUses(positions: (0..<40).map { [$0] }, shards: 40)
    let session = test.cache.openSession()
    // 20 samples ahead in batches of 4 are 5 batches.
    let bounds = AheadBounds(predownload: 20, batchSize: 4)
    await test.cache.setFuture(of: session, uses, shards: requests, bounds: bounds)
    try await prefetching(test.cache, downloads: 2) {
      await Self.fetched(5, by: test.cache)
      test.cache.advance(session, to: 3)
      await Self.fetched(8, by: test.cache)
    }
    #expect(provider.totalFetches == 8)
  }

  @Test func aBoundInBytesHoldsTooAndChangesForSessionsThereAre() async throws {
    let (provider, _, requests) = try requests(40)
    let test = try await TestCache(in: directory)
    await test.cache.setLimits(CacheLimits(freeSpaceReserve: 0, ahead: 3 * requests[0].peakBytes))
    let uses = ListedUses(positions: (0..<40).map { [$0] }, shards: 40)
    let session = test.cache.openSession()
    await test.cache.setFuture(of: session, uses, shards: requests)
    try await prefetching(test.cache, downloads: 2) {
      await Self.fetched(3, by: test.cache)
      test.cache.advance(session, to: 2)
      await Self.fetched(5, by: test.cache)
      await test.cache.setLimits(CacheLimits(freeSpaceReserve: 0, ahead: 6 * requests[0].peakBytes))
      await Self.fetched(8, by: test.cache)
      // Fewer than are there already: nothing more until the session has come so far.
      await test.cache.setLimits(CacheLimits(freeSpaceReserve: 0, ahead: 2 * requests[0].peakBytes))
      test.cache.advance(session, to: 7)
      await Self.fetched(9, by: test.cache)
    }
    #expect(provider.totalFetches == 9)
  }

  /// Waits until exactly so many shards are there and no download is under way: each commit wakes the next look.
  private static func fetched(_ count: Int, by cache: ShardCache) async {
    while true {
      let snapshot = cache.snapshot()
      if snapshot.shards >= count, snapshot.downloads == 0 { return }
      await cache.settleWork()
      await Task.yield()
    }
  }

  @Test func aShardThatFailsIsTriedAgainLaterAndDoesNotStopTheRest() async throws {
    let (provider, _, requests) = try requests(6)
    provider.setHook { file, _ in
      if file.basename == "shard.00002.mds" { throw TestProvider.Missing(name: file.basename) }
      return true
    }
    let test = try await TestCache(in: directory)
    let session = test.cache.openSession()
    await test.cache.setFuture(
      of: session, ListedUses(positions: (0..<6).map { [$0] }, shards: 6), shards: requests)
    try await prefetching(test.cache, downloads: 1) { await Self.fetched(5, by: test.cache) }
    #expect(provider.fetches["shard.00002.mds"] == 1)
    provider.setHook(nil)
    // Whoever needs it now does not wait for the pause to pass.
    _ = try await test.cache.acquire([requests[2]], deadline: .soon)
    #expect(provider.fetches["shard.00002.mds"] == 2)
  }

  @Test func warmingBringsWhatFitsAndEvictsNothingThatIsNeeded() async throws {
    let (provider, _, requests) = try requests(8)
    let test = try await TestCache(in: directory, limit: 5 * requests[0].peakBytes)
    let session = test.cache.openSession()
    _ = try await test.cache.acquire(Array(requests[6...7]), deadline: .soon)
    await test.cache.setFuture(
      of: session, ListedUses(positions: [[0], [0], [7]], shards: 8), shards: requests,
      bounds: AheadBounds(positions: 0))
    let seen = Mutex<[WarmProgress]>([])
    let report = await test.cache.warm(Array(requests[0...5]), downloads: 1) { progress in
      seen.withLock { $0.append(progress) }
    }
    #expect(report.done == 4)
    #expect(report.unfit == 2)
    #expect(report.failed == 0)
    #expect(seen.withLock { $0.count } == 6)
    #expect(try test.cache.acquireNow([requests[7]]) != nil, "needed by a session")
    #expect(try test.cache.acquireNow([requests[6]]) == nil, "needed by nobody")
    let again = await test.cache.warm(Array(requests[0...3]), downloads: 3)
    #expect(again.present == 4)
    #expect(provider.totalFetches == 6)
  }
}
