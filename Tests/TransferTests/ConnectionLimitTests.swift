import FaultServer
import LinuxSystem
import Testing

@testable import Transfer

/// `connections_per_host`: what a server sees of it.
@Suite(.timeLimit(.minutes(1)))
struct ConnectionLimitTests {
  /// Alone, so that it sees no other test's connections.
  let server: FaultServer

  init() throws { server = try FaultServer() }

  func fetch(_ pool: FetcherPool, _ fault: String, _ length: Int, query: String = "", idle: Double = 60) async throws {
    let staging = try Staging()
    var request = TransferRequest(url: try url(server.url(fault, length, query: query)), extent: .whole(length))
    request.limits.idleSeconds = idle
    _ = try await pool.perform(request, into: staging.file, progress: { _ in })
    #expect(try staging.file.size() == length)
  }

  func peak() async throws -> Int {
    let staging = try Staging()
    let request = TransferRequest(url: try url("http://127.0.0.1:\(server.port)/+peak"), extent: .atMost(100))
    _ = try await SessionTransport().perform(request, into: staging.file, progress: { _ in })
    return try #require(Int(String(decoding: try staging.bytes(), as: UTF8.self)))
  }

  @Test(arguments: [(1, 1), (1, 3), (2, 2)])
  func aServerSeesNoMoreConnections(fetchers: Int, connections: Int) async throws {
    let pool = FetcherPool(
      configuration: FetcherPool.Configuration(fetchers: fetchers, connectionsPerHost: connections),
      command: FetcherCommand(executable: try #require(Fetchers.executable), arguments: ["--fetcher"]))
    try await withThrowingTaskGroup { group in
      for _ in 0..<24 { group.addTask { try await fetch(pool, "paced", 200_000, query: "rate=2e6") } }
      for _ in 0..<4 { group.addTask { try await fetch(pool, "paced", 2_000_000, query: "rate=2e7") } }
      try await group.waitForAll()
    }
    let peak = try await peak()
    #expect(peak <= fetchers * connections)
    #expect(peak >= connections, "there was enough to do for all of them")
  }

  /// Large files wait in the daemon for their connection, not in a fetcher, where their silence would look like a stall.
  @Test func waitingForAConnectionIsNoStall() async throws {
    let pool = FetcherPool(
      configuration: FetcherPool.Configuration(fetchers: 1, connectionsPerHost: 1),
      command: FetcherCommand(executable: try #require(Fetchers.executable), arguments: ["--fetcher"]))
    try await withThrowingTaskGroup { group in
      for _ in 0..<4 { group.addTask { try await fetch(pool, "paced", 2_000_000, query: "rate=3e6", idle: 1) } }
      try await group.waitForAll()
    }
    #expect(try await peak() == 1)
  }
}
