import Codecs
import DatasetModel
import FaultServer
import LinuxSystem
import StreamRegistry
import Testing
import Transfer

@testable import BuiltInStreams

/// Faults, and what is left of them after the retries, with real downloads and a clock that does not wait.
@Suite(.timeLimit(.minutes(2)))
struct RetryingFetchTests {
  let server: FaultServer
  let clock = TestClock()
  let statistics: TransferStatistics
  let fetcher: RetryingFetch
  let staging: Staging
  static let transport = SessionTransport()

  init() throws {
    server = try FaultServer.shared.get()
    statistics = TransferStatistics(clock: clock.clock)
    fetcher = RetryingFetch(
      statistics: statistics, throttle: HostThrottle(clock: clock.clock), clock: clock.clock, random: { 0 })
    staging = try Staging()
  }

  func fetch(_ fault: String, query: String = "", attempts: Int = 2) async throws -> FetchReceipt {
    let address = server.url(fault, 60_000, query: query)
    let source = try OneFile(address)
    let digest = try Digest.hex("xxh64", of: faultBody(60_000))
    let file = FileRecord(basename: "file", bytes: 60_000, hashes: ["xxh64": digest])
    return try await fetcher.fetch(
      file, of: "pile", from: source, policy: RetryPolicy(attempts: attempts),
      verification: try Verification(of: file, by: "xxh64"), into: StagingFile(descriptor: staging.file))
  }

  @Test(arguments: [
    ("good", "", 0.0), ("resume", "", 1), ("changed", "", 1), ("gone", "", 1), ("wrongrange", "", 1),
    ("flipped", "", 1), ("flaky", "status=500", 1), ("flaky", "status=503&after=7", 7),
    ("flaky", "status=429&times=6", 0),
  ])
  func filesArriveInTheEnd(fault: String, query: String, firstDelay: Double) async throws {
    let receipt = try await fetch(fault, query: query)
    #expect(receipt.bytes == 60_000)
    #expect(try staging.bytes() == faultBody(60_000))
    if firstDelay > 0 { #expect(clock.sleeps.contains(firstDelay), "\(clock.sleeps)") }
    let stream = try #require(statistics.snapshot().streams["pile"])
    #expect(stream.files == 1)
    #expect(stream.bytes >= 60_000)
    #expect(stream.retries.values.reduce(0, +) == stream.attempts - 1)
    if fault == "flipped" { #expect(stream.retries == ["digest": 1]) }
    #expect(statistics.snapshot().downloads.isEmpty)
  }

  @Test(arguments: [
    ("truncate", 2, StreamSourceError.Code.transient), ("reset", 2, .transient), ("wronglength", 2, .transient),
    ("gzip", 1, .permanent), ("basic", 1, .refused), ("garbage", 2, .transient), ("loop", 1, .permanent),
    ("flipped", 2, .transient),
  ])
  func failuresNameEverything(fault: String, attempts: Int, code: StreamSourceError.Code) async throws {
    let error = try await #require(throws: StreamFetchError.self) {
      try await fetch(fault, query: fault == "flipped" ? "times=9&secret=1" : "secret=1")
    }
    #expect(error.attempts == attempts)
    #expect(error.code == code)
    let text = error.description
    for part in ["stream pile", "file of http://127.0.0.1:", "\(attempts) attempt"] {
      #expect(text.contains(part), "\(text)")
    }
    #expect(!text.contains("secret"))
    #expect(error.isCorrupt == (fault == "flipped"))
    if fault == "flipped" { #expect(text.contains("/file is not the file: xxh64 is "), "\(text)") }
    let stream = try #require(statistics.snapshot().streams["pile"])
    #expect(stream.failures.values.reduce(0, +) == 1)
  }

  @Test func whatIsResumedIsNotFetchedAgain() async throws {
    let receipt = try await fetch("resume")
    #expect(receipt.moved == 30_000)
    #expect(statistics.snapshot().streams["pile"]?.bytes == 60_000)
    #expect(statistics.snapshot().streams["pile"]?.retries == ["truncated": 1])
  }

  @Test func theDelayBetweenCorruptFilesDoubles() async throws {
    _ = try await fetch("flipped", query: "times=3", attempts: 4)
    #expect(clock.sleeps == [1, 2, 4])
    #expect(statistics.snapshot().streams["pile"]?.retries == ["digest": 3])
    #expect(try staging.bytes() == faultBody(60_000))
  }

  /// Bytes that were hashed as they arrived are believed, as the cache relies on; others are read back.
  @Test func whatWasHashedOnArrivalIsNotReadAgain() async throws {
    let good = Array("good".utf8)
    let file = FileRecord(basename: "x", bytes: 4, hashes: ["sha256": Hexadecimal.encode(Digest.sha256(good))])
    let verification = try Verification(of: file, by: "sha256")
    for (text, found, differs) in [
      ("good", nil, false), ("evil", nil, true), ("evil", verification.digest?.hexadecimal, false),
      ("good", "00", true),
    ] {
      let staging = try OwnedDescriptor.memoryFile("x")
      try staging.write(Array(text.utf8), at: 0)
      do throws(VerificationError) {
        try verification.check(staging, found: found)
        #expect(!differs)
      } catch {
        #expect(differs, "\(error)")
      }
    }
  }

  @Test func indexesAreTriedAgainLikeShards() async throws {
    for (query, delays, retries) in [
      ("status=500", [1.0], ["status": 1]), ("status=503&after=7", [7], ["throttled": 1]),
      ("status=429&times=3", [1, 2, 4], ["throttled": 3]),
    ] {
      let clock = TestClock()
      let statistics = TransferStatistics(clock: clock.clock)
      let notices = Notices()
      let fetcher = RetryingFetch(
        statistics: statistics, throttle: HostThrottle(clock: clock.clock), clock: clock.clock, random: { 0 },
        observer: notices.add)
      let root = server.url("flaky", 40, query: query)
      let source = try HTTPSource(root: root, transport: Self.transport)
      guard case .documents(let documents, _) = try await fetcher.manifest(of: "pile", from: source) else {
        Issue.record("no documents")
        return
      }
      #expect(try documents.first?.allBytes() == faultBody(40))
      for delay in delays { #expect(clock.sleeps.contains(delay), "\(clock.sleeps)") }
      #expect(statistics.snapshot().streams["pile"]?.retries == retries)
      #expect(notices.all.count == delays.count)
      #expect(notices.all.allSatisfy { $0.contains("stream pile: index.json of http://127.0.0.1:") })
    }
  }

  @Test func usersSourcesAreVerifiedToo() async throws {
    let file = FileRecord(
      basename: "x", bytes: 4, hashes: ["sha256": Hexadecimal.encode(Digest.sha256(Array("good".utf8)))])
    for (text, fails) in [("good", false), ("evil", true), ("bad", true), ("tooo long", true)] {
      let source = MemorySource(bytes: Array(text.utf8))
      let staging = StagingFile(descriptor: try OwnedDescriptor.memoryFile("x"))
      do {
        _ = try await fetcher.fetch(
          file, of: "mine", from: source, verification: try Verification(of: file, by: "sha256"), into: staging)
        #expect(!fails)
      } catch let error as StreamFetchError {
        #expect(fails)
        #expect(error.attempts == 2)
      }
    }
    #expect(throws: VerificationError.self) { try Verification(of: file, by: "md5") }
  }

  @Test func cancellationIsNoFailure() async throws {
    let task = Task { try await fetch("stall") }
    while statistics.snapshot().downloads.first?.received ?? 0 == 0 { await Task.yield() }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(statistics.snapshot().streams["pile"]?.failures == ["cancelled": 1])
  }
}

/// A source of one URL, whatever the path.
private struct OneFile: StreamSource {
  let address: RequestURL
  var location: String { address.textWithoutQuery }

  init(_ address: String) throws { self.address = try #require(RequestURL(address)) }

  func manifest() async throws -> ManifestAnswer { .documents([], validator: nil) }

  func fetch(_ request: FileRequest, into staging: StagingFile) async throws -> FetchReceipt {
    let source = RemoteSource(service: OneService(address: address), transport: RetryingFetchTests.transport)
    return try await source.fetch(request, into: staging)
  }
}

private struct OneService: RemoteService {
  let address: RequestURL
  var location: String { address.textWithoutQuery }
  var allowsPlainHTTP: Bool { false }
  func target(for path: String, extent: Extent) async throws -> RemoteTarget { RemoteTarget(url: address) }
}

private struct MemorySource: StreamSource {
  let bytes: [UInt8]
  var location: String { "memory" }

  func manifest() async throws -> ManifestAnswer { .documents([], validator: nil) }

  func fetch(_ request: FileRequest, into staging: StagingFile) async throws -> FetchReceipt {
    try bytes.withUnsafeBytes { try staging.write($0, at: 0) }
    return FetchReceipt(bytes: bytes.count, moved: bytes.count)
  }
}
