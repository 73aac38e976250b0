import DatasetModel
import StreamRegistry
import Testing

@Suite struct StreamRegistryTests {
  @Test func aKindOfOnesOwn() throws {
    var registry = StreamRegistry()
    try registry.register("my_stream") { _ in EmptySource() }
    let source = try registry.source(for: StreamConfiguration(name: "a", kind: "my_stream"))
    #expect(source.location == "nowhere")
    #expect(registry.kinds == ["my_stream"])
  }

  @Test func namesClashLoudly() throws {
    var registry = StreamRegistry()
    try registry.register("s3") { _ in EmptySource() }
    #expect(throws: StreamRegistryError.nameTaken("s3")) { try registry.register("s3") { _ in EmptySource() } }
    #expect(throws: StreamRegistryError.badName("My Stream")) {
      try registry.register("My Stream") { _ in EmptySource() }
    }
    #expect(throws: StreamRegistryError.badName("")) { try registry.register("") { _ in EmptySource() } }
  }

  @Test func anUnknownNameListsWhatIsKnown() throws {
    var registry = StreamRegistry()
    for kind in ["https", "s3", "exec"] { try registry.register(kind) { _ in EmptySource() } }
    let (configured, _) = stream(["local": .text("/d"), "kind": .text("exce")])
    let error = #expect(throws: ConfigurationProblems.self) { try registry.source(for: configured) }
    #expect(
      error?.description
        == "line 2: streams.pile.kind: unknown kind \"exce\"; known are exec, https, s3; did you mean \"exec\"?")
    let (remote, _) = stream(["remote": .text("sftp://h/p")])
    let other = #expect(throws: ConfigurationProblems.self) { try registry.source(for: remote) }
    #expect(
      other?.description == "line 1: streams.pile.remote: no kind for sftp:// remotes; known are exec, https, s3")
  }

  @Test func aKindReportsAllItsProblemsWithLines() throws {
    var registry = StreamRegistry()
    try registry.register("table") { stream in
      var reader = stream.withReader()
      _ = reader.requiredText("table", "the table to read")
      _ = reader.integer("rows", in: 1...10)
      try reader.finish()
      return EmptySource()
    }
    let with = ConfigurationMap([
      .init(key: "rows", value: ConfigurationValue(.integer(11), line: 12), line: 12),
      .init(key: "tabel", value: ConfigurationValue(.text("t"), line: 13), line: 13),
    ])
    let (configured, _) = stream(["kind": .text("table"), "with": .map(with)])
    let error = #expect(throws: ConfigurationProblems.self) { try registry.source(for: configured) }
    #expect(
      error?.problems.map(\.description) == [
        "line 2: streams.pile.with: \"table\" is missing: the table to read",
        "line 12: streams.pile.with.rows: must be a whole number from 1 to 10, not 11",
        "line 13: streams.pile.with.tabel: unknown key; did you mean \"table\"?",
      ])
  }

  @Test func otherErrorsOfAKindNameTheStream() throws {
    struct Odd: Error, CustomStringConvertible { let description = "no such moon" }
    var registry = StreamRegistry()
    try registry.register("moon") { _ in throw Odd() }
    let (configured, _) = stream(["kind": .text("moon")])
    let error = #expect(throws: ConfigurationProblems.self) { try registry.source(for: configured) }
    #expect(error?.description == "line 1: streams.pile: kind moon refuses it: no such moon")
  }
}
