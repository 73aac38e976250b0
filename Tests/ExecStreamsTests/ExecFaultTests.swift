import LinuxSystem
import StreamRegistry
import Testing

@testable import ExecStreams

/// What commands do wrong, and what comes of it. Real shells, real processes.
@Suite struct ExecFaultTests {
  private static var hasty: FetchLimits {
    var limits = Shell.patient
    limits.idleSeconds = 0.3
    return limits
  }

  @Test(arguments: [
    (
      "head -c 5 /dev/zero >&3; exit 3", StreamSourceError.Code.transient, "source", "ended with status 3 after 5 bytes"
    ),
    ("head -c 5 /dev/zero >&3", .transient, "truncated", "wrote 5 of 10 bytes"),
    ("exit 0", .transient, "truncated", "wrote 0 of 10 bytes"),
    ("kill -9 $$", .transient, "source", "was ended by signal 9 (SIGKILL)"),
    ("exit 66", .notFound, "notFound", "it is not there"), ("exit 77", .refused, "credentials", "not permitted"),
    ("exit 78", .permanent, "source", "its configuration is wrong"), ("exit 64", .permanent, "source", "status 64"),
    ("exit 75", .transient, "source", "status 75"), ("nonsense_that_is_no_program", .transient, "source", "status 127"),
  ])
  func dies(script: String, code: StreamSourceError.Code, cause: String, message: String) async throws {
    let (error, written) = try await Shell(script).failure()
    #expect(error.code == code && error.cause == cause)
    #expect(error.message.contains(message), "\(error.message)")
    #expect(error.message.hasPrefix("x of exec:s: "))
    #expect(written <= 10)
  }

  @Test(arguments: [
    "sleep 600", "head -c 5 /dev/zero >&3; sleep 600", "trap '' TERM INT HUP; while :; do sleep 600; done",
    "exec 3>&-; sleep 600", "kill -STOP $$; sleep 600",
  ])
  func hangs(script: String) async throws {
    let (error, written) = try await Shell(script).failure(limits: Self.hasty)
    #expect(error.code == .transient && error.cause == "stalled")
    #expect(error.message.contains("gave no byte for 0.3 seconds"), "\(error.message)")
    #expect(written <= 10)
  }

  /// Whatever a command leaves behind is gone when the fetch returns: in its session, out of it, orphaned, stopped.
  @Test(arguments: [
    ("sleep 600 & echo left $!; wait", 2), ("setsid sleep 600 & echo left $!; wait", 2),
    ("(setsid sh -c 'echo left $$; sleep 600' &) ; (sh -c 'echo left $$; exec sleep 600' &); sleep 600", 3),
    ("sh -c 'echo left $$; kill -STOP $$' & sleep 600", 2),
    ("setsid sh -c 'trap \"\" TERM HUP; sh -c \"echo left \\$\\$; sleep 600\"' & sleep 600", 2),
  ])
  func leavesNothingRunning(script: String, count: Int) async throws {
    let shell = try Shell("echo self $$; " + script)
    let task = Task { try await shell.failure() }
    await shell.lines.wait(for: count)
    task.cancel()
    #expect(try await task.value.error.cause == "cancelled")
    let processes = numbers(shell.lines.all, "self") + numbers(shell.lines.all, "left")
    #expect(processes.count == count, "\(shell.lines.all)")
    for process in processes { #expect(try !isAlive(process), "process \(process) is still there") }
  }

  /// A command that ends well, but leaves something that holds its pipes open, delays nobody.
  @Test(arguments: ["sleep 600 &", "setsid sleep 600 &", "(setsid sleep 600 &)"])
  func aBackgroundProcessDelaysNobody(script: String) async throws {
    let shell = try Shell("head -c 10 /dev/zero >&3; \(script)\necho left $!")
    #expect(try await shell.fetch(10) == [UInt8](repeating: 0, count: 10))
    for process in numbers(shell.lines.all, "left") { #expect(try !isAlive(process)) }
  }

  @Test(arguments: ["cat /dev/zero >&3", "head -c 11 /dev/zero >&3", "head -c 11 /dev/zero >&3; sleep 600"])
  func lies(script: String) async throws {
    let (error, written) = try await Shell(script).failure()
    #expect(error.code == .transient && error.cause == "wrongLength")
    #expect(error.message.contains("more than the 10 bytes of its index"), "\(error.message)")
    #expect(written <= 10)
  }

  @Test func floodsItsLog() async throws {
    var limits = Self.hasty
    limits.deadlineSeconds = 2
    limits.idleSeconds = 60
    let shell = try Shell("yes 'the same line over and over' >&2")
    let (error, _) = try await shell.failure(limits: limits)
    #expect(error.cause == "deadline")
    #expect(shell.lines.all.count == ExecLogLines.maximumLines + 1)
    #expect(shell.lines.all.last?.hasSuffix("more lines are left out") == true)
  }

  @Test func drips() async throws {
    var limits = Self.hasty
    limits.idleSeconds = 2.5
    limits.minimumBytesPerSecond = 1000
    let (error, _) = try await Shell("while :; do echo >&3; sleep 0.05; done").failure(1000, limits: limits)
    #expect(error.code == .transient && error.cause == "slow")
  }

  @Test func takesTooLong() async throws {
    let timeout: [(String, ConfigurationValue.Content)] = [("timeout", .number(0.4))]
    let drip = "while :; do echo >&3; sleep 0.05; done"
    let (error, _) = try await Shell(drip, with: timeout).failure(1_000_000)
    #expect(error.cause == "deadline" && error.message.contains("took longer than 0.4 seconds"))
    let index = try Shell("sleep 600", with: timeout)
    let other = await #expect(throws: StreamSourceError.self) { try await index.stream.manifest() }
    #expect(other?.cause == "deadline")
  }

  @Test func takesTooMuchMemory() async throws {
    let command = ["/usr/bin/env", "python3", "-c", "x = bytearray(1 << 30); print(len(x))"]
    let shell = try Shell(keys: [
      ("command", .list(command.map { ConfigurationValue(.text($0)) })), ("memory", .text("128mb")),
    ])
    let (error, _) = try await shell.failure()
    #expect(error.code == .transient && error.message.contains("ended with status 1"), "\(error) \(shell.lines.all)")
    #expect(shell.lines.all.contains { $0.contains("MemoryError") })
  }

  @Test(arguments: [
    (["/nonexistent/program"], "No such file or directory"), (["/etc/passwd"], "Permission denied"),
    (["/usr"], "ermission denied"),
  ])
  func isNoProgram(command: [String], message: String) async throws {
    let shell = try Shell(keys: [("command", .list(command.map { ConfigurationValue(.text($0)) }))])
    let (error, _) = try await shell.failure()
    #expect(error.code == .permanent && error.message.contains(message), "\(error)")
    let nowhere = try Shell("exit 0", with: [("directory", .text("/nonexistent"))])
    #expect(try await nowhere.failure().error.code == .permanent)
  }

  @Test func itsGuardIsKilled() async throws {
    let shell = try Shell("sleep 600 & echo self $!; echo self $$; kill -9 $PPID; sleep 600")
    let (error, _) = try await shell.failure()
    #expect(error.code == .transient && error.message.contains("guard was killed"), "\(error)")
    let processes = numbers(shell.lines.all, "self")
    #expect(processes.count == 2)
    // The kernel ends the command with its guard, the daemon what else is in its group; neither waits for that.
    for process in processes { while try isAlive(process) { await Task.yield() } }
  }

  @Test func cancelled() async throws {
    let shell = try Shell("echo self $$; head -c 5 /dev/zero >&3; sleep 600")
    let (started, start) = AsyncStream<Void>.makeStream()
    let staging = StagingFile(descriptor: try .memoryFile("staging"), progress: { _ in start.yield() })
    let task = Task {
      try await shell.stream.fetch(FileRequest(path: "x", bytes: 10, limits: Shell.patient), into: staging)
    }
    for await _ in started { break }
    task.cancel()
    let error = await #expect(throws: StreamSourceError.self) { try await task.value }
    #expect(error?.cause == "cancelled")
    for process in numbers(shell.lines.all, "self") { #expect(try !isAlive(process)) }
  }

  @Test func writesTheFileItselfAndTooMuch() async throws {
    let direct: [(String, ConfigurationValue.Content)] = [("output", .text("file"))]
    let good = try Shell("printf 0123456789 >/dev/fd/3", with: direct)
    #expect(try await good.fetch(10) == Array("0123456789".utf8))
    let seeking = try Shell("dd if=/dev/zero of=/dev/fd/3 bs=1 seek=5 count=5 conv=notrunc 2>/dev/null", with: direct)
    #expect(try await seeking.fetch(10).count == 10)
    let short = try await Shell("printf 01234 >&3", with: direct).failure()
    #expect(short.error.cause == "truncated")
    let long = try await Shell("head -c 100000 /dev/zero >&3", with: direct).failure()
    #expect(long.error.code == .transient && long.written <= 10)
    let silent = try await Shell("sleep 600", with: direct).failure(limits: Self.hasty)
    #expect(silent.error.cause == "stalled")
  }

  @Test func theStagingFileCannotBeWritten() async throws {
    let shell = try Shell("head -c 10 /dev/zero >&3")
    let staging = StagingFile(descriptor: try .openingToRead("/dev/null"))
    let error = await #expect(throws: StreamSourceError.self) {
      try await shell.stream.fetch(FileRequest(path: "x", bytes: 10), into: staging)
    }
    #expect(error?.code == .local)
  }
}
