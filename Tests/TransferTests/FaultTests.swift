import Codecs
import FaultServer
import LinuxSystem
import Testing

@testable import Transfer

/// Every fault of a remote, through the transport in process: the right outcome, and never a hang or a lie.
@Suite(.timeLimit(.minutes(2)))
struct FaultTests {
  let server: FaultServer
  let transport = SessionTransport()
  let staging: Staging

  init() throws {
    server = try FaultServer.shared.get()
    staging = try Staging()
  }

  func perform(_ address: String, _ extent: Extent, configure: (inout TransferRequest) -> Void = { _ in })
    async throws -> TransferReceipt
  {
    var request = TransferRequest(url: try url(address), extent: extent)
    configure(&request)
    return try await transport.perform(request, into: staging.file, progress: { _ in })
  }

  @Test(arguments: [0, 1, 4096, 262_144, 262_145, 3_000_001])
  func wholeFilesArrive(length: Int) async throws {
    let receipt = try await perform(server.url("good", length), .whole(length))
    #expect(receipt.end == length)
    #expect(try staging.bytes() == faultBody(length))
    if length > 0 { #expect(receipt.validator == "\"v1\"") }
  }

  @Test(arguments: DigestAlgorithm.allCases)
  func bytesAreHashedAsTheyArrive(algorithm: DigestAlgorithm) async throws {
    let address = server.url("good", 600_001)
    let receipt = try await perform(address, .whole(600_001)) { $0.digest = algorithm }
    #expect(try receipt.digest == Digest.hex(algorithm.rawValue, of: faultBody(600_001)))
    // Of a part nothing is said: what came before it was not seen.
    let part = try await perform(address, .exactly(range: 10..<600_001, total: 600_001)) { $0.digest = algorithm }
    #expect(part.digest == nil)
    #expect(try await perform(address, .whole(600_001)).digest == nil)
  }

  @Test func redirectedBytesAreHashedOnce() async throws {
    let target = server.url("good", 50_000)
    let receipt = try await perform(server.url("redirect", 50_000, query: "to=\(target)"), .whole(50_000)) {
      $0.digest = .xxh64
    }
    #expect(try receipt.digest == Digest.hex("xxh64", of: faultBody(50_000)))
  }

  @Test(arguments: ["nolength", "chunked", "noranges", "hints"])
  func unusualAnswersThatAreWhole(fault: String) async throws {
    let receipt = try await perform(server.url(fault, 70_000), .whole(70_000))
    #expect(receipt.moved == 70_000)
    #expect(try staging.bytes() == faultBody(70_000))
  }

  @Test func rangesLandAtTheirOffsets() async throws {
    let receipt = try await perform(
      server.url("good", 100_000), .exactly(range: 40_000..<90_000, total: 100_000))
    #expect(receipt.end == 90_000)
    #expect(try staging.bytes()[40_000...] == faultBody(100_000)[40_000..<90_000])
  }

  @Test(arguments: [
    ("truncate", "", TransferFailure.Code.transient, TransferFailure.Cause.truncated),
    ("reset", "", .transient, .truncated),
    ("nolength", "short=1", .transient, .truncated),
    ("chunked", "extra=1", .transient, .tooLong),
    ("wronglength", "", .transient, .wrongLength),
    ("gzip", "", .permanent, .contentEncoding),
    ("garbage", "", .transient, .network),
    ("badheader", "", .transient, .network),
    ("basic", "", .refused, .credentials),
    ("unasked", "", .transient, .contentRange),
    ("loop", "", .permanent, .redirect),
  ])
  func faultsAreNamed(
    fault: String, query: String, code: TransferFailure.Code, cause: TransferFailure.Cause
  ) async throws {
    let failure = try await failure { try await perform(server.url(fault, 50_000, query: query), .whole(50_000)) }
    #expect(failure.code == code, "\(failure)")
    #expect(failure.cause == cause || failure.cause == .network && code == .transient, "\(failure.cause): \(failure)")
    #expect(!failure.message.contains("?"), "\(failure)")
  }

  @Test(arguments: [
    (404, TransferFailure.Code.notFound), (410, .notFound), (403, .refused), (400, .permanent), (416, .permanent),
    (500, .transient), (502, .transient), (503, .transient), (429, .transient), (408, .transient), (204, .permanent),
    (304, .permanent),
  ])
  func statuses(status: Int, code: TransferFailure.Code) async throws {
    let failure = try await failure { try await perform(server.url("status", status), .whole(10)) }
    #expect(failure.code == code)
    #expect(failure.status == status)
    #expect(failure.slowDown == (status == 429 || status == 503))
  }

  @Test func retryAfterIsHandedOn() async throws {
    let failure = try await failure {
      try await perform(server.url("status", 429, query: "after=17"), .whole(10))
    }
    #expect(failure.retryAfterSeconds == 17)
  }

  @Test func reasonsOfObjectStoresAreShown() async throws {
    let text = "text=%3CError%3E%3CCode%3ESlowDown%3C/Code%3E%3CMessage%3EReduce%3C/Message%3E%3C/Error%3E"
    let failure = try await failure { try await perform(server.url("status", 400, query: text), .whole(10)) }
    #expect(failure.code == .transient)
    #expect(failure.slowDown)
    #expect(failure.message.contains("SlowDown"))
  }

  @Test(arguments: ["stall", "silent"])
  func silenceEnds(fault: String) async throws {
    let failure = try await failure {
      try await perform(server.url(fault, 50_000), .whole(50_000)) { $0.limits.idleSeconds = 2 }
    }
    #expect(failure.cause == .stalled)
    #expect(failure.writtenEnd == (fault == "stall" ? 25_000 : 0))
  }

  @Test func tricklesEnd() async throws {
    let slow = try await failure {
      try await perform(server.url("drip", 50_000), .whole(50_000)) { $0.limits.idleSeconds = 0.5 }
    }
    #expect(slow.cause == .slow)
    let late = try await failure {
      try await perform(server.url("drip", 50_000), .whole(50_000)) { $0.limits.deadlineSeconds = 0.5 }
    }
    #expect(late.cause == .deadline)
  }

  @Test func documentsHaveALimit() async throws {
    #expect(try await perform(server.url("good", 900), .atMost(1000)).end == 900)
    for fault in ["good", "chunked"] {
      let failure = try await failure { try await perform(server.url(fault, 9000), .atMost(1000)) }
      #expect(failure.cause == .tooLong)
    }
    let short = try await failure { try await perform(server.url("truncate", 900), .atMost(1000)) }
    #expect(short.code == .transient)
  }

  @Test func resumedFilesContinue() async throws {
    let address = server.url("resume", 60_000)
    let first = try await failure { try await perform(address, .whole(60_000)) }
    #expect(first.writtenEnd == 30_000)
    #expect(first.validator == "\"v1\"")
    let receipt = try await perform(address, .exactly(range: 30_000..<60_000, total: 60_000)) {
      $0.validator = first.validator
    }
    #expect(receipt.moved == 30_000)
    #expect(try staging.bytes() == faultBody(60_000))
  }

  @Test func aChangedFileIsTakenWhole() async throws {
    let address = server.url("changed", 60_000)
    let first = try await failure { try await perform(address, .whole(60_000)) }
    let receipt = try await perform(address, .exactly(range: first.writtenEnd..<60_000, total: 60_000)) {
      $0.validator = first.validator
    }
    #expect(receipt.moved == 60_000)
    #expect(receipt.validator == "\"new\"")
    #expect(try staging.bytes() == faultBody(60_000))
  }

  @Test(arguments: ["gone", "wrongrange"])
  func resumesThatCannotContinueStartAgain(fault: String) async throws {
    let address = server.url(fault, 60_000)
    _ = try await failure { try await perform(address, .whole(60_000)) }
    let failure = try await failure {
      try await perform(address, .exactly(range: 30_000..<60_000, total: 60_000)) { $0.validator = "\"v1\"" }
    }
    #expect(failure.code == .restart)
  }

  @Test func challengesWithoutARealmAreRefused() {
    // In process this one ends the process (URLSession traps); FetcherFaultTests shows that a fetcher reports it first.
    let head = ResponseHead(status: 401, headers: ["www-authenticate": "Bearer x=y"])
    let request = TransferRequest(url: RequestURL(scheme: "https", host: "h"), extent: .whole(1))
    guard case .failure(let failure) = ResponseCheck.judge(head, for: request, now: 0) else {
      Issue.record("not refused")
      return
    }
    #expect(failure.code == .refused)
  }

  @Test func cancellingStormsLeaveNothingBehind() async throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    print("cancel storm seed \(seed)")
    var random = SplitMix(seed)
    for _ in 0..<60 {
      let addresses = (0..<8).map { _ in server.url("good", 200_000) }
      let delay = Int(random.next() % 20)
      await withTaskGroup(of: Void.self) { group in
        for address in addresses {
          group.addTask { [transport] in
            do {
              let staging = try Staging()
              let request = TransferRequest(url: try url(address), extent: .whole(200_000))
              _ = try await transport.perform(request, into: staging.file, progress: { _ in })
            } catch {}  // Most are cancelled; what matters comes after the storm.
          }
        }
        // The storm's cancellations come at different moments of the downloads.
        do { try await Task.sleep(for: .milliseconds(delay)) } catch {}
        group.cancelAll()
      }
    }
    let receipt = try await perform(server.url("good", 5000), .whole(5000))
    #expect(receipt.end == 5000)
  }
}
