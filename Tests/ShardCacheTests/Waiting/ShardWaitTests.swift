import DatasetModel
import Testing

@testable import ShardCache

/// Where the time of a wait goes, through a real cache whose clock only the tests move: every second is accounted for.
@Suite struct ShardWaitTests {
  private let directory = TemporaryDirectory()
  private let clock = ManualClock()

  private func seconds(
    queue: Double = 0, download: Double = 0, verify: Double = 0, decompress: Double = 0
  ) -> PhaseSeconds {
    var seconds = PhaseSeconds()
    seconds.add(queue, to: .queue)
    seconds.add(download, to: .download)
    seconds.add(verify, to: .verify)
    seconds.add(decompress, to: .decompress)
    return seconds
  }

  @Test func aSlowRemoteIsDownload() async throws {
    let shard = try TestShard(1, bytes: 4000)
    let (entered, gate) = (Gate(), Gate())
    let provider = TestProvider([shard]) { _, staging in
      staging.progress(1000)
      entered.open()
      await gate.wait()
      return true
    }
    let test = try await TestCache(in: directory, clock: clock)
    let wait = ShardWait()
    async let leases = test.cache.acquire([shard.request(from: .provider(provider))], deadline: .soon, wait: wait)
    await entered.wait()
    clock.advance(by: 5)
    let standing = test.cache.standing(of: wait)
    #expect(standing.seconds == seconds(download: 5))
    #expect(standing.outstanding.map(\.shard) == ["shard.00001.mds"])
    #expect(standing.outstanding.first?.phase == .download && standing.outstanding.first?.bytes == 1000)
    gate.open()
    _ = try await leases
    #expect(wait.seconds == seconds(download: 5))
    #expect(test.cache.standing(of: wait) == WaitSnapshot(seconds: wait.seconds, outstanding: [], room: nil))
  }

  @Test func waitingForATurnIsTheQueue() async throws {
    let shard = try TestShard(1, bytes: 4000)
    let clock = clock
    let provider = TestProvider([shard]) { _, staging in
      clock.advance(by: 2)
      // As the fetchers say it: no bytes, but the turn has come. A second word of it changes nothing.
      staging.progress(0)
      clock.advance(by: 1)
      staging.progress(0)
      return true
    }
    let test = try await TestCache(in: directory, clock: clock)
    let wait = ShardWait()
    _ = try await test.cache.acquire([shard.request(from: .provider(provider))], deadline: .soon, wait: wait)
    #expect(wait.seconds == seconds(queue: 2, download: 1))
  }

  @Test func aTightLimitIsTheQueue() async throws {
    let shards = try (0..<2).map { try TestShard($0, bytes: 4000) }
    let provider = TestProvider(shards)
    let test = try await TestCache(in: directory, limit: 10_000, clock: clock)
    let held = try await test.cache.acquire([shards[0].request(from: .provider(provider))], deadline: .soon)
    let wait = ShardWait()
    async let leases = test.cache.acquire([shards[1].request(from: .provider(provider))], deadline: .soon, wait: wait)
    while test.cache.snapshot().waitingClaims == 0 { await Task.yield() }
    clock.advance(by: 3)
    let standing = test.cache.standing(of: wait)
    #expect(standing.room?.contains("waits for room") == true)
    #expect(standing.outstanding.map(\.phase) == [.queue] && standing.seconds == seconds(queue: 3))
    held[0].release()
    _ = try await leases
    #expect(wait.seconds == seconds(queue: 3))
  }

  @Test func aCompressedShardIsDecompression() async throws {
    let shard = try TestShard(1, bytes: 100_000, compression: "bz2:9", hashes: ["sha256"])
    // The machine's own clock: decompressing is what takes time here.
    let test = try await TestCache(in: directory)
    let wait = ShardWait()
    let start = test.cache.now
    let provider = ShardRequest.Source.provider(TestProvider([shard]))
    _ = try await test.cache.acquire([shard.request(from: provider)], deadline: .soon, wait: wait)
    #expect(wait.seconds.decompress > 0 && wait.seconds.verify > 0)
    #expect(wait.seconds.total <= test.cache.now - start)
  }

  @Test func theShardThatCameLastIsToBlame() async throws {
    let shards = try (0..<3).map { try TestShard($0, bytes: 4000) }
    let (entered, gate) = (Gate(), Gate())
    let others = [Gate(), Gate(), Gate()]
    let provider = TestProvider(shards) { file, _ in
      guard file.basename == "shard.00001.mds" else {
        others[file.basename == "shard.00000.mds" ? 0 : 2].open()
        return true
      }
      entered.open()
      await gate.wait()
      return true
    }
    let test = try await TestCache(in: directory, clock: clock)
    // One of them was on its way before anybody waited: only the rest of it is a wait.
    let first = shards[1].request(from: .provider(provider))
    let early = Task { try await test.cache.acquire([first], deadline: .soon) }
    await entered.wait()
    clock.advance(by: 30)
    let wait = ShardWait()
    let requests = shards.map { $0.request(from: .provider(provider)) }
    async let leases = test.cache.acquire(requests, deadline: .soon, wait: wait)
    await others[0].wait()
    await others[2].wait()
    clock.advance(by: 1)
    gate.open()
    _ = try await (leases, early.value)
    #expect(wait.seconds == seconds(download: 1))
  }

  @Test func aWaitThatFailsIsCountedToo() async throws {
    let shard = try TestShard(1, bytes: 4000)
    let (entered, gate) = (Gate(), Gate())
    let provider = TestProvider([shard]) { _, _ in
      entered.open()
      await gate.wait()
      return true
    }
    let test = try await TestCache(in: directory, clock: clock)
    let wait = ShardWait()
    let request = shard.request(from: .provider(provider))
    let task = Task { try await test.cache.acquire([request], deadline: .soon, wait: wait) }
    await entered.wait()
    clock.advance(by: 4)
    task.cancel()
    await #expect(throws: CacheError.self) { _ = try await task.value }
    #expect(wait.seconds == seconds(download: 4))
    #expect(test.cache.standing(of: wait).outstanding.isEmpty)
    gate.open()
    await test.cache.settleWork()
  }
}
