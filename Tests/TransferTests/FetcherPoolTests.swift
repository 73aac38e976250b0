import Codecs
import FaultServer
import Foundation
import LinuxSystem
import Synchronization
import Testing

@testable import Transfer

@Suite(.timeLimit(.minutes(3)), .serialized)
struct FetcherPoolTests {
  let server: FaultServer

  init() throws { server = try FaultServer.shared.get() }

  func fetch(_ pool: FetcherPool, _ fault: String, _ length: Int, query: String = "", idle: Double = 60) async throws {
    let staging = try Staging()
    var request = TransferRequest(url: try url(server.url(fault, length, query: query)), extent: .whole(length))
    request.limits.idleSeconds = idle
    let receipt = try await pool.perform(request, into: staging.file, progress: { _ in })
    #expect(receipt.end == length)
    #expect(try staging.bytes() == faultBody(length))
  }

  @Test func filesArriveThroughProcesses() async throws {
    let pool = try Fetchers.pool()
    #expect(pool.snapshot.processIDs.isEmpty)
    try await withThrowingTaskGroup { group in
      for length in [0, 1, 70_000, 3_000_000] + Array(repeating: 65_536, count: 40) {
        group.addTask { try await fetch(pool, "good", length) }
      }
      try await group.waitForAll()
    }
    #expect(pool.snapshot.processIDs.count <= 2)
    #expect(pool.snapshot.running == 0)
  }

  @Test func fetchersWorkInBatchesOnEveryThread() async throws {
    let pool = try Fetchers.pool(1)
    try await fetch(pool, "good", 3_000_000)
    let process = try #require(pool.snapshot.processIDs.first)
    let threads = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")
    #expect(threads.count > 1)
    var policies: Set<String> = []
    for thread in threads {
      // A thread may end meanwhile; the policy is the 41st field, the 39th after the name in parentheses.
      guard let status = FileManager.default.contents(atPath: "/proc/\(process)/task/\(thread)/stat") else { continue }
      let fields = String(decoding: status, as: UTF8.self).split(separator: ")").last?.split(separator: " ") ?? []
      policies.insert(fields.count > 38 ? String(fields[38]) : "?")
    }
    #expect(policies == ["3"], "SCHED_BATCH is 3")
  }

  @Test func fetchersHashWhatTheyFetch() async throws {
    let pool = try Fetchers.pool(1)
    let staging = try Staging()
    let request = TransferRequest(url: try url(server.url("good", 70_000)), extent: .whole(70_000), digest: .sha256)
    let receipt = try await pool.perform(request, into: staging.file, progress: { _ in })
    #expect(try receipt.digest == Digest.hex("sha256", of: faultBody(70_000)))
  }

  @Test func failuresComeBackWhole() async throws {
    let pool = try Fetchers.pool(1)
    let failure = try await failure { try await fetch(pool, "status", 429, query: "after=3") }
    #expect(failure.code == .transient)
    #expect(failure.retryAfterSeconds == 3)
    #expect(failure.status == 429)
    let truncated = try await truncated(pool)
    #expect(truncated.writtenEnd == 25_000)
    #expect(truncated.validator == "\"v1\"")
  }

  private func truncated(_ pool: FetcherPool) async throws -> TransferFailure {
    try await failure { try await fetch(pool, "truncate", 50_000) }
  }

  @Test func aChallengeThatStopsTheProcessIsReportedFirst() async throws {
    let pool = try Fetchers.pool(1)
    for _ in 0..<3 {
      let failure = try await failure { try await fetch(pool, "bearer", 50_000) }
      #expect(failure.code == .refused)
    }
    try await fetch(pool, "good", 50_000)
  }

  @Test func fiftyKillsLoseNothing() async throws {
    let pool = try Fetchers.pool(2)
    let seed = UInt64.random(in: 0...UInt64.max)
    print("kill seed \(seed)")
    let kills = Counter()
    try await withThrowingTaskGroup { group in
      group.addTask {
        var random = SplitMix(seed)
        var killed: Set<Int32> = []
        while kills.value < 50 {
          // Kills come at odd moments: time is what is tested.
          try await Task.sleep(for: .milliseconds(Int(10 + random.next() % 60)))
          if let victim = pool.snapshot.processIDs.randomElement(using: &random), pool.snapshot.running > 0,
            killed.insert(victim).inserted
          {
            ChildProcess(processID: victim).end()
            kills.add()
          }
        }
      }
      for _ in 0..<4 {
        group.addTask {
          var fetched = 0
          while kills.value < 50 || fetched == 0 {
            // Some 60 ms each, so that kills find them in the middle; a lost one is begun again by the pool, and what
            // was lost too often by the retry above it.
            do {
              try await fetch(pool, "paced", 600_000, query: "rate=1e7")
              fetched += 1
            } catch let failure as TransferFailure {
              #expect(failure.cause == .fetcher, "\(failure)")
            }
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(kills.value == 50)
    #expect(pool.snapshot.ended >= 49)  // The last one may not have been waited for yet.
  }

  @Test func aSilentProcessIsReplaced() async throws {
    let pool = try Fetchers.pool(1, silenceSeconds: 1)
    try await fetch(pool, "good", 1000)
    let victim = try #require(pool.snapshot.processIDs.first)
    ChildProcess(processID: victim).signal(19)  // SIGSTOP
    try await fetch(pool, "good", 1000)
    #expect(pool.snapshot.processIDs.first != victim)
  }

  @Test func nonsenseIsNotBelieved() async throws {
    let ended = Mutex<[String]>([])
    let pool = FetcherPool(
      configuration: FetcherPool.Configuration(fetchers: 1),
      command: FetcherCommand(executable: "/bin/sh", arguments: ["-c", "echo nonsense >&3; sleep 10"])
    ) { event in
      if case .ended(_, let reason, _) = event { ended.withLock { $0.append(reason) } }
    }
    let failure = try await failure { try await fetch(pool, "good", 10) }
    #expect(failure.cause == .fetcher)
    #expect(ended.withLock { $0 }.allSatisfy { $0 == "answered nonsense" })
  }

  @Test func aMissingExecutableIsAnError() async throws {
    let pool = FetcherPool(
      configuration: FetcherPool.Configuration(fetchers: 2),
      command: FetcherCommand(executable: "/nonexistent/fetcher", arguments: []))
    let failure = try await failure { try await fetch(pool, "good", 10) }
    #expect(failure.cause == .fetcher)
    #expect(failure.message.contains("no fetcher process starts"))
  }

  @Test func stuckTransfersRetireTheirProcess() async throws {
    let pool = try Fetchers.pool(1)
    let failure = try await failure { try await fetch(pool, "silent", 1000, idle: 0.3) }
    #expect(failure.cause == .stalled)
    try await fetch(pool, "good", 1000)
    #expect(pool.snapshot.ended == 1)
  }

  @Test func cancelStormsLeaveThePoolWorking() async throws {
    let pool = try Fetchers.pool(2)
    for round in 0..<30 {
      await withTaskGroup(of: Void.self) { group in
        for _ in 0..<40 {
          group.addTask { do { try await fetch(pool, "good", 300_000) } catch {} }
        }
        // The storm's cancellations come at different moments of the downloads.
        do { try await Task.sleep(for: .milliseconds(round)) } catch {}
        group.cancelAll()
      }
    }
    #expect(pool.snapshot.waiting == 0)
    #expect(pool.snapshot.running == 0)
    try await fetch(pool, "good", 300_000)
  }

  @Test func aClosedPoolRefuses() async throws {
    let pool = try Fetchers.pool(1)
    try await fetch(pool, "good", 1000)
    pool.close()
    let failure = try await failure { try await fetch(pool, "good", 1000) }
    #expect(failure.code == .cancelled)
  }
}
