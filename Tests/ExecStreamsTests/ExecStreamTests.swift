import DatasetModel
import Foundation
import LinuxSystem
import StreamRegistry
import Synchronization
import Testing

@testable import ExecStreams

@Suite struct ExecStreamTests {
  @Test func readsItsRequestAndWritesTheFile() async throws {
    let shell = try Shell("cat >&2; printf 0123456789 >&3")
    #expect(try await shell.fetch(10) == Array("0123456789".utf8))
    #expect(
      shell.lines.all == [
        "{\"version\": 1, \"request\": \"fetch\", \"stream\": \"s\", \"remote\": null, \"split\": null, "
          + "\"config\": {}, \"credentials\": null, \"path\": \"x\", \"bytes\": 10, "
          + "\"output\": {\"descriptor\": 3, \"path\": \"/dev/fd/3\"}}"
      ])
  }

  @Test func everythingItIsTold() async throws {
    let text = """
      import json, sys
      request = json.load(sys.stdin)
      assert request["config"] == {"a": [1, 2.5, True, None, 'q"\\\\\\n\\u0001é']}, request
      assert request["credentials"] == {"token": "hunt" + "er2"}
      assert request["split"] == "train" and request["remote"] == "lance://t"
      assert "hunt" + "er2" not in open("/proc/self/environ").read() + open("/proc/self/cmdline").read()
      open(request["output"]["path"], "wb").write(b"12345")
      """
    var configuration = StreamConfiguration(name: "s", kind: "exec", remote: "lance://t")
    configuration.split = "train"
    let items: [ConfigurationValue.Content] = [
      .integer(1), .number(2.5), .bool(true), .null, .text("q\"\\\n\u{1}é"),
    ]
    let config = ConfigurationMap([
      .init(key: "a", value: ConfigurationValue(.list(items.map { ConfigurationValue($0) })))
    ])
    let command = ["/usr/bin/env", "python3", "-c", text].map { ConfigurationValue(.text($0)) }
    configuration.with = ConfigurationValue(
      .map(
        ConfigurationMap([
          .init(key: "command", value: ConfigurationValue(.list(command))),
          .init(key: "config", value: ConfigurationValue(.map(config))),
        ])))
    configuration.credentials = ConfigurationValue(
      .map(ConfigurationMap([.init(key: "token", value: ConfigurationValue(.text("hunter2")))])))
    let lines = Lines()
    let stream = try ExecStream(configuration) { _, line in lines.add(line) }
    let staging = StagingFile(descriptor: try .memoryFile("staging"))
    do {
      let receipt = try await stream.fetch(FileRequest(path: "x", bytes: 5), into: staging)
      #expect(receipt.bytes == 5)
    } catch { Issue.record("\(error): \(lines.all)") }
  }

  /// A request longer than any pipe, which the command never reads.
  @Test func aRequestThatNobodyReads() async throws {
    let long = ConfigurationMap([
      .init(key: "a", value: ConfigurationValue(.text(String(repeating: "x", count: 4 << 20))))
    ])
    let shell = try Shell("printf 01234 >&3", with: [("config", .map(long))])
    #expect(try await shell.fetch(5).count == 5)
  }

  @Test func nothingOfTheDaemonsIsOpenOrSet() async throws {
    let shell = try Shell(
      "ls /proc/self/fd | tr '\\n' ' '; echo; env | sort | tr '\\n' ' '; echo; pwd; ulimit -c; umask; printf x >&3",
      with: [("environment", .map(ConfigurationMap([.init(key: "A", value: ConfigurationValue(.text("b c")))])))])
    #expect(try await shell.fetch(1).count == 1)
    // The fifth is the directory that ls reads.
    #expect(shell.lines.all.first == "0 1 2 3 4 ", "\(shell.lines.all)")
    #expect(shell.lines.all[1] == "A=b c LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin PWD=/ ")
    #expect(Array(shell.lines.all[2...]) == ["/", "0", "0077"])
  }

  @Test func progressAddsUp() async throws {
    let total = Mutex(0)
    let staging = StagingFile(descriptor: try .memoryFile("staging")) { count in total.withLock { $0 += count } }
    let shell = try Shell("head -c 5000000 /dev/zero >&3")
    let receipt = try await shell.stream.fetch(FileRequest(path: "x", bytes: 5_000_000), into: staging)
    #expect(receipt.moved == 5_000_000 && total.withLock { $0 } == 5_000_000)
  }

  @Test func manifestsOfEverySubdirectory() async throws {
    let shell = try Shell("cat >&3")
    guard case .documents(let documents, let validator) = try await shell.stream.manifest() else {
      Issue.record("no documents")
      return
    }
    #expect(documents.count == 1 && documents[0].subdirectory == "")
    #expect(try String(decoding: documents[0].allBytes(), as: UTF8.self).contains("\"subdirectory\": \"\""))
    guard case .documents(_, let again) = try await shell.stream.manifest() else { return }
    #expect(validator == again && validator != nil)

    var configuration = StreamConfiguration(name: "s", kind: "exec")
    let command = ["/bin/sh", "-c", "cat >&3"].map { ConfigurationValue(.text($0)) }
    configuration.with = ConfigurationValue(
      .map(ConfigurationMap([.init(key: "command", value: ConfigurationValue(.list(command)))])))
    configuration.subdirectories = .list(["en", "de"])
    let stream = try ExecStream(configuration) { _, _ in }
    guard case .documents(let two, let other) = try await stream.manifest() else { return }
    #expect(two.map(\.subdirectory) == ["en", "de"] && other != validator)
    #expect(try String(decoding: two[1].allBytes(), as: UTF8.self).contains("\"subdirectory\": \"de\""))
  }

  @Test func anIndexThatIsTooLongOrEmpty() async throws {
    let flood = try Shell("cat /dev/zero >&3", with: [("index_bytes", .text("1mb"))])
    let long = await #expect(throws: StreamSourceError.self) { try await flood.stream.manifest() }
    #expect(long?.message.contains("more than 1048576 bytes (index_bytes)") == true)
    let silent = try Shell("exit 0")
    let empty = await #expect(throws: StreamSourceError.self) { try await silent.stream.manifest() }
    #expect(empty?.cause == "truncated")
  }

  @Test func noMoreAtOnceThanAllowed() async throws {
    let shell = try Shell("echo begin; sleep 0.05; printf 0 >&3; echo end", with: [("parallel", .integer(2))])
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<12 { group.addTask { _ = try await shell.fetch(1) } }
      try await group.waitForAll()
    }
    var running = 0
    var most = 0
    for line in shell.lines.all {
      running += line == "begin" ? 1 : -1
      most = max(most, running)
    }
    #expect(running == 0 && most <= 2, "\(shell.lines.all)")
    #expect(shell.lines.all.count == 24)
  }

  @Test func waitingForATurnCanBeCancelled() async throws {
    let shell = try Shell("printf 0 >&3; sleep 600", with: [("parallel", .integer(1))])
    let (started, start) = AsyncStream<Void>.makeStream()
    let staging = StagingFile(descriptor: try .memoryFile("staging"), progress: { _ in start.yield() })
    let request = FileRequest(path: "x", bytes: 2, limits: Shell.patient)
    let first = Task { try await shell.stream.fetch(request, into: staging) }
    for await _ in started { break }
    let others = (0..<50).map { _ in Task { try await shell.failure().error.cause } }
    for task in others { task.cancel() }
    for task in others { #expect(try await task.value == "cancelled") }
    first.cancel()
    _ = await first.result
    let next = Task { try await shell.stream.fetch(request, into: staging) }
    for await _ in started { break }
    next.cancel()
    _ = await next.result
  }

  @Test func manyRunsLeaveNothingOpen() async throws {
    let shell = try Shell("printf 0123456789 >&3", with: [("parallel", .integer(8))])
    _ = try await shell.fetch(10)
    let before = try openPipes()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<200 { group.addTask { _ = try await shell.fetch(10) } }
      try await group.waitForAll()
    }
    // Other tests of this process come and go with a few pipes of their own; 200 runs' would show.
    #expect(try openPipes() < before + 100)
  }

  /// Pipes that this process has open: every run has several.
  private func openPipes() throws -> Int {
    try DirectoryEntries.of("/proc/self/fd").count { entry in
      // One that was closed meanwhile is none.
      let target = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\(entry.name)")
      return target?.hasPrefix("pipe:") == true
    }
  }
}
