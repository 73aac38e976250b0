import FaultServer
import Foundation
import LinuxSystem
import Synchronization
import Testing

@testable import Transfer

/// A full disk, no descriptors, thousands of files, a daemon that dies: reported, survived, recovered from.
@Suite(.timeLimit(.minutes(3)), .serialized)
struct ScarcityTests {
  let server: FaultServer

  init() throws { server = try FaultServer.shared.get() }

  func fetch(_ pool: some Transport, _ length: Int, into file: OwnedDescriptor) async throws {
    let request = TransferRequest(url: try url(server.url("good", length)), extent: .whole(length))
    _ = try await pool.perform(request, into: file, progress: { _ in })
  }

  static func run(_ program: String, _ arguments: [String]) throws -> Bool {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  @Test(.enabled(if: geteuid() == 0, "needs root, to mount a small tmpfs"))
  func aFullDiskIsReportedAndRecoveredFrom() async throws {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-full-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    defer { do { try FileManager.default.removeItem(atPath: path) } catch {} }
    try #require(try Self.run("/usr/bin/env", ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path]))
    defer { do { _ = try Self.run("/usr/bin/env", ["umount", "--lazy", path]) } catch {} }
    let directory = try Directory.making(path: path)
    let pool = try Fetchers.pool(1)
    for transport in [pool as any Transport, SessionTransport()] {
      let file = try directory.openOrCreate("staging")
      let failure = try await failure { try await fetch(transport, 3_000_000, into: file) }
      #expect(failure.code == .local)
      #expect(failure.cause == .disk)
      #expect(failure.message.contains("no room"))
      try file.truncate(to: 0)
      try await fetch(transport, 500_000, into: file)
      #expect(try file.read(count: 500_000, at: 0) == faultBody(500_000))
    }
    #expect(pool.snapshot.ended == 0)
  }

  func pool(descriptors: Int) throws -> FetcherPool {
    let executable = try #require(Fetchers.executable)
    let command = "ulimit -n \(descriptors); exec \(executable) --fetcher"
    return FetcherPool(
      configuration: FetcherPool.Configuration(fetchers: 1),
      command: FetcherCommand(executable: "/bin/sh", arguments: ["-c", command]))
  }

  @Test func aFetcherWithoutDescriptorsSaysSo() async throws {
    let pool = try pool(descriptors: 20)
    for _ in 0..<3 {
      let staging = try Staging()
      let failure = try await failure { try await fetch(pool, 5000, into: staging.file) }
      #expect(failure.code == .local)
      #expect(failure.cause == .descriptors)
    }
    #expect(pool.snapshot.ended == 0)
  }

  /// A fetcher begins with some 13 descriptors and keeps 24 in reserve: with 48 it takes some 11 of the 16 requests that
  /// it is given at once. What it refuses it delivers when asked again.
  @Test func aShortageOfDescriptorsPasses() async throws {
    let pool = try pool(descriptors: 48)
    let (whole, refused) = (Counter(), Counter())
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<100 {
        group.addTask {
          while true {
            let staging = try Staging()
            do {
              try await fetch(pool, 20_000, into: staging.file)
              #expect(try staging.bytes() == faultBody(20_000))
              whole.add()
              return
            } catch let failure as TransferFailure {
              #expect(failure.code == .local && failure.cause == .descriptors, "\(failure)")
              refused.add()
            }
          }
        }
      }
      try await group.waitForAll()
    }
    print("48 descriptors: \(whole.value) fetched, \(refused.value) times refused")
    #expect(whole.value == 100)
    #expect(refused.value > 0)
    #expect(pool.snapshot.ended == 0)
    // And afterwards as if nothing had been.
    let staging = try Staging()
    try await fetch(pool, 20_000, into: staging.file)
    #expect(pool.snapshot.ended == 0)
  }

  @Test func fiveThousandSmallShardsStayFlat() async throws {
    let pool = try Fetchers.pool(1)
    func round(_ count: Int) async throws {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<count {
          if index >= 24 { try await group.next() }
          group.addTask {
            let staging = try Staging()
            try await fetch(pool, 4096, into: staging.file)
            #expect(try staging.file.size() == 4096)
          }
        }
        try await group.waitForAll()
      }
    }
    try await round(1000)
    let fetcher = try #require(pool.snapshot.processIDs.first)
    let before = try Usage(of: fetcher)
    try await round(4000)
    let after = try Usage(of: fetcher)
    #expect(pool.snapshot.processIDs == [fetcher])
    print("after 1,000 and 5,000 shards: \(before) and \(after)")
    #expect(after.descriptors <= before.descriptors + 4)
    #expect(after.residentKiB <= before.residentKiB + 16 << 10)
  }

  @Test func fetchersEndWithTheDaemonHoweverItDies() async throws {
    let daemon = Process()
    daemon.executableURL = URL(fileURLWithPath: try #require(Fetchers.executable))
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("sluice-death-\(UUID().uuidString)")
      .path
    defer { do { try FileManager.default.removeItem(atPath: directory) } catch {} }
    daemon.arguments = [
      "http://127.0.0.1:\(server.port)/paced/9000000?rate=1e5", directory, "8", "9000000", "2", "8",
    ]
    try daemon.run()
    var fetchers: [Int32] = []
    while fetchers.count < 2 {
      fetchers = try Usage.children(of: daemon.processIdentifier)
      await Task.yield()
    }
    kill(daemon.processIdentifier, SIGKILL)
    daemon.waitUntilExit()
    // A zombie that nobody has waited for yet is gone, too.
    while !fetchers.allSatisfy({ Usage.isGone($0) }) { await Task.yield() }
  }
}

/// What /proc says of a process.
private struct Usage: CustomStringConvertible {
  let residentKiB: Int
  let descriptors: Int

  var description: String { "\(residentKiB) KiB, \(descriptors) descriptors" }

  init(of process: Int32) throws {
    let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
    residentKiB = try #require(Int(line.split(whereSeparator: { $0 == " " || $0 == "\t" })[1]))
    descriptors = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count
  }

  static func children(of process: Int32) throws -> [Int32] {
    var found: [Int32] = []
    for thread in try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task") {
      // A thread may end while it is looked at.
      let list: String
      do { list = try String(contentsOfFile: "/proc/\(process)/task/\(thread)/children", encoding: .utf8) } catch {
        continue
      }
      found += list.split(separator: " ").compactMap { Int32($0) }
    }
    return found
  }

  static func isGone(_ process: Int32) -> Bool {
    do {
      let status = try String(contentsOfFile: "/proc/\(process)/status", encoding: .utf8)
      return status.contains("State:\tZ")
    } catch { return true }
  }
}
