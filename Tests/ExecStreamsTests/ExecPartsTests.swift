import DatasetModel
import StreamRegistry
import Synchronization
import Testing

@testable import ExecStreams

@Suite struct ExecPaceTests {
  @Test func silentSlowAndLate() {
    var pace = ExecPace(idleSeconds: 10, minimumBytesPerSecond: 100, deadlineSeconds: 60)
    #expect(pace.fault(at: 9.9) == nil)
    #expect(pace.fault(at: 10) == .silent(seconds: 10))
    #expect(pace.patience(at: 0) == 10)
    pace.add(2000, at: 5)
    #expect(pace.fault(at: 14.9) == nil)
    #expect(pace.fault(at: 15) == .silent(seconds: 10))
    pace.add(1, at: 14)
    #expect(pace.fault(at: 20) == nil)
    #expect(pace.fault(at: 20.5) == .slow(bytesPerSecond: 2001 / 20.5, least: 100))
    #expect(pace.patience(at: 15) > 5 && pace.patience(at: 15) < 5.1)
    pace.add(1 << 30, at: 55)
    #expect(pace.fault(at: 59) == nil)
    #expect(pace.fault(at: 60) == .late(seconds: 60))
    #expect(pace.patience(at: 59) == 1)
    pace.add(0, at: 59)
    #expect(pace.lastByteAt == 55)
  }

  @Test func withoutBounds() {
    let pace = ExecPace(idleSeconds: .infinity, minimumBytesPerSecond: 0, deadlineSeconds: 3600)
    #expect(pace.fault(at: 3599) == nil && pace.patience(at: 0) == 3600)
  }
}

@Suite struct ExecLogLinesTests {
  private func lines(_ pieces: [String]) -> [String] {
    let collected = Lines()
    var lines = ExecLogLines { collected.add($0) }
    for piece in pieces { Array(piece.utf8).withUnsafeBytes { lines.add($0) } }
    lines.finish()
    return collected.all
  }

  @Test func cutAnywhere() {
    #expect(lines(["one\ntw", "o\n", "\n\nthree"]) == ["one", "two", "three"])
    #expect(lines(["a\u{1b}[2Jb\tc\r\n"]) == ["a [2Jb c "])
    #expect(lines([]) == [])
  }

  @Test func boundedInLengthAndNumber() {
    let long = lines([String(repeating: "x", count: 10_000), "yyy\nshort\n"])
    #expect(long == [String(repeating: "x", count: 4096) + "…", "short"])
    let many = lines([String(repeating: "l\n", count: 1500)])
    #expect(many.count == 1001 && many.last == "… 500 more lines are left out")
  }
}

@Suite struct ExecSettingsTests {
  private func problems(_ keys: [(String, ConfigurationValue.Content)]) -> [String] {
    var stream = StreamConfiguration(name: "s", kind: "exec")
    stream.with = ConfigurationValue(
      .map(
        ConfigurationMap(
          keys.enumerated().map { .init(key: $1.0, value: ConfigurationValue($1.1, line: $0 + 1), line: $0 + 1) })))
    do throws(ConfigurationProblems) {
      _ = try ExecSettings(stream)
      return []
    } catch { return error.problems.map(\.description) }
  }

  @Test func everyProblemAtOnce() {
    let found = problems([
      ("command", .list([ConfigurationValue(.text("python3"))])), ("parallel", .integer(0)), ("memory", .text("1kb")),
      ("output", .text("socket")), ("config", .text("x")), ("enviroment", .null), ("directory", .text("tmp")),
      ("environment", .map(ConfigurationMap([.init(key: "A=B", value: ConfigurationValue(.text("c")), line: 9)]))),
    ])
    #expect(
      found == [
        "line 1: streams.s.with.command: must begin with an absolute path, not \"python3\": "
          + "no search path is looked through",
        "line 2: streams.s.with.parallel: must be a whole number from 1 to 256, not 0",
        "line 3: streams.s.with.memory: must be a number of bytes of at least 16.0 MiB (64mb, 100gb, 1073741824), "
          + "not \"1kb\"",
        "line 4: streams.s.with.output: must be one of pipe, file",
        "line 5: streams.s.with.config: must be a map of keys, not text",
        "line 6: streams.s.with.enviroment: unknown key; did you mean \"environment\"?",
        "line 7: streams.s.with.directory: must be an absolute path, not \"tmp\"",
        "line 9: streams.s.with.environment.A=B: must be a name without = and a text",
      ])
    #expect(problems([]).first?.contains("\"command\" is missing") == true)
    #expect(problems([("command", .list([]))]).first?.contains("must be the program") == true)
  }

  @Test func registersUnderItsName() throws {
    var registry = StreamRegistry()
    try ExecStream.register(in: &registry) { _, _ in }
    #expect(registry.kinds == ["exec"])
    #expect(throws: ConfigurationProblems.self) {
      try registry.source(for: StreamConfiguration(name: "s", kind: "exec"))
    }
  }
}
