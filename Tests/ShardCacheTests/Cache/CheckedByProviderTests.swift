import DatasetModel
import LinuxSystem
import Testing

@testable import ShardCache

/// What a provider says it has checked is believed for that digest only, and never for what comes out of the file.
@Suite struct CheckedByProviderTests {
  private let directory = TemporaryDirectory()

  private func spoil(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    bytes[bytes.count / 2] ^= 1
    return bytes
  }

  @Test func providersAreToldWhatWillBeChecked() async throws {
    let test = try await TestCache(in: directory)
    let cases: [(hashes: [String], validate: String?, expected: String?)] = [
      (["sha1", "xxh64"], nil, "xxh64"), (["sha1", "xxh64"], "sha1", "sha1"), ([], nil, nil),
    ]
    for (number, (hashes, validate, expected)) in cases.enumerated() {
      let shard = try TestShard(number, hashes: hashes)
      let provider = TestProvider([shard]) { _, staging in
        #expect(staging.digest == expected)
        return true
      }
      _ = try await test.cache.acquire(
        [shard.request(from: .provider(provider), validateHash: validate)], deadline: .soon)
    }
  }

  /// Another algorithm's word, or none, is not enough: the cache reads the file itself, and fetches it anew.
  @Test(arguments: [nil, "sha1", "nonsense"])
  func whatIsNotCheckedByTheVeryDigestIsCheckedHere(claim: String?) async throws {
    let shard = try TestShard(1)
    let name = shard.descriptor.data.raw.basename
    let provider = TestProvider([shard], checked: claim)
    provider.replace(name, with: spoil(try #require(shard.stored[name])))
    let test = try await TestCache(in: directory)
    let error = await #expect(throws: CacheError.self) {
      try await test.cache.acquire([shard.request(from: .provider(provider))], deadline: .soon)
    }
    #expect(error?.code == .corrupt)
    #expect(error?.message.contains("s3://bucket/c4") == true)
    #expect(provider.totalFetches == 2)
  }

  /// The same bytes would come again, so nothing is fetched again.
  @Test func checkedBytesThatDecompressToSomethingElseAreNotFetchedAgain() async throws {
    let (shard, other) = (try TestShard(1, compression: "zstd"), try TestShard(1, compression: "zstd", seed: 9))
    let zip = try #require(shard.descriptor.data.zip)
    let provider = TestProvider([shard], checked: "xxh64")
    provider.replace(zip.basename, with: Array(try #require(other.stored[zip.basename]).prefix(zip.bytes)))
    let test = try await TestCache(in: directory)
    let error = await #expect(throws: CacheError.self) {
      try await test.cache.acquire([shard.request(from: .provider(provider))], deadline: .soon)
    }
    #expect(error?.code == .corrupt)
    #expect(provider.totalFetches == 1)
    #expect(test.cache.snapshot().bytes.used == 0)
  }

  @Test func lengthsAreCheckedWhateverIsClaimed() async throws {
    let shard = try TestShard(1)
    let provider = TestProvider([shard], checked: "xxh64") { file, staging in
      try staging.descriptor.truncate(to: file.bytes - 1)
      return false
    }
    let test = try await TestCache(in: directory)
    let error = await #expect(throws: CacheError.self) {
      try await test.cache.acquire([shard.request(from: .provider(provider))], deadline: .soon)
    }
    #expect(error?.code == .corrupt)
  }
}
