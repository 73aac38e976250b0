import DatasetModel
import Foundation
import Synchronization
import Testing

@testable import ShardCache

/// Shards in a user's directory: read in place, and nothing else is ever done to them.
@Suite struct LocalShardsTests {
  private let directory = TemporaryDirectory()
  private let home = TemporaryDirectory()

  @Test(arguments: [false, true]) func readsInPlaceAndCountsNothing(_ split: Bool) async throws {
    let shard = try TestShard(1, split: split)
    for (name, bytes) in shard.raw { try home.write(name, bytes) }
    let before = try home.files()
    let test = try await TestCache(in: directory, limit: 5000)
    let request = shard.request(from: .directory(home.path), validateHash: "xxh64")
    #expect(try test.cache.acquireNow([request]) == nil)
    let lease = try await test.cache.acquire([request], deadline: .soon)[0]
    #expect(try lease.bytes == shard.raw[request.name])
    #expect(try test.cache.acquireNow([request]) != nil)
    let held = try #require(lease.retain())
    #expect(!held.isUnwanted)
    held.drop()
    lease.release()
    #expect(test.cache.snapshot().bytes.counted == 0)
    #expect(test.cache.evict("c4").shards == 0)
    await test.cache.close()
    #expect(try home.files() == before)
  }

  @Test func keepsItsOwnCopyOfWhatIsOnlyThereCompressed() async throws {
    let shard = try TestShard(1, bytes: 20_000, compression: "zstd", split: true)
    for (name, bytes) in shard.stored { try home.write(name, bytes) }
    let before = try home.files()
    let test = try await TestCache(in: directory)
    let request = shard.request(from: .directory(home.path), keepZip: true)
    let lease = try await test.cache.acquire([request], deadline: .soon)[0]
    #expect(try lease.bytes == shard.raw[request.name])
    #expect(test.cache.snapshot().bytes.used == shard.descriptor.rawBytes + ShardRecord.chargedBytes)
    #expect(try directory.files().keys.allSatisfy { !$0.hasSuffix(".zip") })
    lease.release()
    #expect(test.cache.evict("c4").shards == 1)
    await test.cache.close()
    #expect(try home.files() == before)
  }

  @Test func saysWhatIsWrongWithThem() async throws {
    let shard = try TestShard(1)
    let test = try await TestCache(in: directory)
    let request = shard.request(from: .directory(home.path), validateHash: "xxh64")
    func failure() async -> CacheError? {
      do {
        _ = try await test.cache.acquire([request], deadline: .soon)
        return nil
      } catch { return error }
    }
    #expect(await failure()?.code == .unavailable)
    try home.write(request.name, [1, 2])
    let short = await failure()
    #expect(short?.code == .corrupt)
    #expect(short?.message.contains("has 2 bytes, the index says 3000") == true)
    try home.write(request.name, [UInt8](repeating: 0, count: 3000))
    #expect(await failure()?.message.contains("xxh64") == true)
    #expect(try home.read(request.name).count == 3000)
    try home.write(request.name, try #require(shard.raw[request.name]))
    #expect(await failure() == nil)
  }

  /// A link that leads out could be made by whoever may write there, to have the daemon read for them.
  @Test(arguments: [nil, "zstd"]) func followsNoLinkThatLeadsOut(_ compression: String?) async throws {
    let shard = try TestShard(1, bytes: 20_000, compression: compression)
    let elsewhere = TemporaryDirectory()
    let (name, bytes) = try #require(shard.stored.first)
    try elsewhere.write(name, bytes)
    try home.write("mine", bytes)
    let test = try await TestCache(in: directory)
    let request = shard.request(from: .directory(home.path))
    let link = "\(home.path)/\(name)"
    for target in ["\(elsewhere.path)/\(name)", "\(home.path)/mine"] {
      try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: target)
      do {
        _ = try await test.cache.acquire([request], deadline: .soon)
        Issue.record("a link to \(target) was followed")
      } catch {
        #expect(error.code == .corrupt)
        let beginning = "stream c4, shard \(request.name): openat2 \(home.path)/\(name): a symbolic link leads out"
        #expect(error.message.hasPrefix(beginning), "\(error)")
      }
      try FileManager.default.removeItem(atPath: link)
    }
    try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "mine")
    let lease = try await test.cache.acquire([request], deadline: .soon)[0]
    #expect(try lease.bytes == shard.raw[request.name])
  }

  @Test func isNeverPrefetched() async throws {
    let shard = try TestShard(1)
    try home.write("shard.00001.mds", try #require(shard.raw["shard.00001.mds"]))
    let test = try await TestCache(in: directory)
    let session = test.cache.openSession()
    let request = shard.request(from: .directory(home.path))
    await test.cache.setFuture(of: session, ListedUses(positions: [[0]], shards: 1), shards: [request])
    let (answer, _) = test.cache.state.withLock { $0.ledger.nextPrefetch(downloads: 1, now: 1) }
    guard case .nothing = answer else {
      Issue.record("a local shard was prefetched")
      return
    }
  }
}
