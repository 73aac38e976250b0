import DatasetModel
import Foundation
import LinuxSystem
import Testing

@testable import ShardCache

@Suite struct RecoveryTests {
  private let directory = TemporaryDirectory()

  private func filled(_ count: Int, compression: String? = nil) async throws -> [TestShard] {
    let shards = try (0..<count).map { try TestShard($0, compression: compression) }
    let test = try await TestCache(in: directory)
    let provider = TestProvider(shards)
    for shard in shards {
      for lease in try await test.cache.acquire([shard.request(from: .provider(provider))], deadline: .soon) {
        lease.release()
      }
    }
    await test.cache.close()
    return shards
  }

  private func file(_ shard: TestShard, _ name: String) -> String {
    let request = shard.request(from: .directory("/"))
    return "shards/\(CacheLayout.streamName(location: request.location))/"
      + "\(CacheLayout.copyName(request.name, request.key))/\(name)"
  }

  @Test func adoptsWhatWasCommittedAndFetchesNothing() async throws {
    let shards = try await filled(4, compression: "zstd")
    let provider = TestProvider([])
    let test = try await TestCache(in: directory)
    #expect(test.report.adopted == 4)
    #expect(test.report.adoptedBytes == 4 * (3000 + ShardRecord.chargedBytes))
    #expect(test.cache.snapshot().bytes.used == test.report.adoptedBytes)
    for shard in shards {
      let lease = try await test.cache.acquire([shard.request(from: .provider(provider))], deadline: .soon)[0]
      #expect(try lease.bytes == shard.raw[lease.request.name])
    }
    #expect(provider.totalFetches == 0)
  }

  @Test func aSmallerLimitIsKeptFromTheStart() async throws {
    _ = try await filled(6)
    let test = try await TestCache(in: directory, limit: 20_000)
    await test.cache.close()
    #expect(test.cache.snapshot().bytes.counted <= 20_000)
    #expect(test.cache.snapshot().shards == 2)
    #expect(test.events.all.filter { if case .evicted = $0 { true } else { false } }.count == 4)
  }

  @Test(arguments: ["truncated", "missing", "record", "renamed", "link"])
  func putsWhatIsDoubtfulAsideWithItsReason(_ damage: String) async throws {
    let shards = try await filled(2)
    let data = file(shards[0], "data")
    let words: String
    switch damage {
    case "truncated":
      try directory.write(data, [1, 2, 3])
      words = "data has 3 bytes instead of 3000"
    case "missing":
      try FileManager.default.removeItem(atPath: "\(directory.path)/\(data)")
      words = "data is missing"
    case "record":
      try directory.write(file(shards[0], "record"), Array("sluice shard 1\nkey 0\n".utf8))
      words = "its record is damaged"
    case "renamed":
      let from = "\(directory.path)/\(file(shards[0], ""))".dropLast()
      let other = try TestShard(77).request(from: .directory("/"), location: "elsewhere").key
      let target = "\(from.dropLast(32))\(other.hexadecimal)"
      try FileManager.default.moveItem(atPath: String(from), toPath: target)
      words = "its record is of another shard"
    default:
      try FileManager.default.removeItem(atPath: "\(directory.path)/\(data)")
      try FileManager.default.createSymbolicLink(
        atPath: "\(directory.path)/\(data)", withDestinationPath: "/etc/hostname")
      words = "data is not a regular file"
    }
    let test = try await TestCache(in: directory)
    #expect(test.report.quarantined == 1)
    #expect(test.report.adopted == 1)
    let reasons = try directory.files().keys.filter { $0.hasPrefix("quarantine/") && $0.hasSuffix("/reason") }
    #expect(reasons.count == 1)
    let reason = String(decoding: try directory.read(try #require(reasons.first)), as: UTF8.self)
    #expect(reason.contains(words), "\(reason)")
    #expect(test.events.warnings.contains { $0.contains(words) })
    // It is fetched anew, and the files put aside still count.
    let provider = TestProvider(shards)
    let lease = try await test.cache.acquire([shards[0].request(from: .provider(provider))], deadline: .soon)[0]
    #expect(try lease.bytes == shards[0].raw[lease.request.name])
    #expect(test.cache.snapshot().bytes.quarantined == test.report.quarantinedBytes)
    #expect(await test.cache.clearQuarantine() == test.report.quarantinedBytes)
    #expect(try directory.files().keys.allSatisfy { !$0.hasPrefix("quarantine/") })
    #expect(test.cache.snapshot().bytes.quarantined == 0)
  }

  @Test func quarantineGivesWayBeforeWhatIsNeeded() async throws {
    let shards = try await filled(2)
    try directory.write(file(shards[0], "data"), [UInt8](repeating: 0, count: 2999))
    let test = try await TestCache(in: directory, limit: 16_000)
    let session = test.cache.openSession()
    let provider = TestProvider(shards)
    let requests = shards.map { $0.request(from: .provider(provider)) }
    await test.cache.setFuture(
      of: session, ListedUses(positions: [[0], [1]], shards: 2), shards: requests, bounds: AheadBounds(positions: 0))
    _ = try await test.cache.acquire([requests[0]], deadline: .soon)
    #expect(test.cache.snapshot().counters.evictions == 0)
    #expect(test.cache.snapshot().bytes.quarantined == 0)
    #expect(test.cache.snapshot().shards == 2)
  }

  @Test func twoCachesCannotShareADirectory() async throws {
    let first = try await TestCache(in: directory)
    let error = await #expect(throws: CacheError.self) { _ = try await TestCache(in: directory) }
    #expect(error?.code == .locked)
    let process = ProcessInfo.processInfo.processIdentifier
    #expect(error?.message.contains("belongs to process \(process)") == true)
    await first.cache.close()
    _ = try await TestCache(in: directory)
  }

  @Test func aDirectoryThatCannotBeIsAnError() async throws {
    try directory.write("file", [])
    let pool = BlockingPool(name: "test", threads: 1)
    let error = await #expect(throws: CacheError.self) {
      _ = try await ShardCache.open(directory: "\(directory.path)/file/cache", pool: pool)
    }
    #expect(error?.code == .directory)
    #expect(error?.message.contains("\(directory.path)/file") == true)
  }

  @Test func checksDigestsInTheBackgroundWhenAsked() async throws {
    let shards = try await filled(5)
    var bytes = try directory.read(file(shards[3], "data"))
    bytes[100] ^= 0x40
    try directory.write(file(shards[3], "data"), bytes)
    let test = try await TestCache(in: directory)
    #expect(test.report.adopted == 5)
    let report = await test.cache.checkAdopted()
    #expect(report.checked == 4)
    #expect(report.damaged == 1)
    await test.cache.close()
    #expect(test.cache.snapshot().shards == 4)
    #expect(test.cache.snapshot().leasedBytes == 0)
    #expect(test.events.warnings.contains { $0.contains("has the xxh64") })
  }

  @Test func aChangedIndexLeadsToNewCopies() async throws {
    let old = try await filled(1)[0]
    let new = try TestShard(0, seed: 99)
    let provider = TestProvider([new])
    let test = try await TestCache(in: directory)
    let lease = try await test.cache.acquire([new.request(from: .provider(provider))], deadline: .soon)[0]
    #expect(try lease.bytes == new.raw[lease.request.name])
    #expect(lease.request.name == old.descriptor.data.raw.basename)
    #expect(provider.totalFetches == 1)
    // A session that began with the old index still reads the old bytes.
    let former = try await test.cache.acquire([old.request(from: .provider(TestProvider([])))], deadline: .soon)[0]
    #expect(try former.bytes == old.raw[former.request.name])
    #expect(test.cache.snapshot().shards == 2)
  }

  @Test func aStrangersDirectoryUnderOurNameIsLeftAlone() async throws {
    let shard = try TestShard(1)
    let name = file(shard, "")
    try directory.write("\(name)precious", [1])
    let test = try await TestCache(in: directory)
    #expect(test.report.swept == 1)
    #expect(test.report.foreign.count == 1)
    let request = shard.request(from: .provider(TestProvider([shard])))
    let lease = try await test.cache.acquire([request], deadline: .soon)[0]
    #expect(try lease.bytes == shard.raw[request.name])
    #expect(try directory.read("\(name)precious") == [1])
    #expect(try directory.files().keys.contains("\(name.dropLast()).2/data"))
  }

  @Test func filesAreForTheirOwnerOnly() async throws {
    let shards = try await filled(1)
    for name in ["data", "record"] {
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(directory.path)/\(file(shards[0], name))")
      #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
    }
  }
}
