import StreamRegistry
import Testing

@Suite struct ConfigurationReaderTests {
  @Test func readsEveryForm() throws {
    var reader = reader([
      "name": .text("pile"), "count": .integer(3), "ratio": .number(0.5), "whole": .integer(2), "on": .bool(true),
      "limit": .text("64mb"), "plain": .integer(1000), "wait": .text("5m"), "short": .text("250ms"),
      "half": .number(0.5), "words": .list([ConfigurationValue(.text("a")), ConfigurationValue(.text("b"))]),
      "none": .null,
    ])
    #expect(reader.text("name") == "pile")
    #expect(reader.integer("count", in: 1...3) == 3)
    #expect(reader.number("ratio", atLeast: 0) == 0.5)
    #expect(reader.number("whole", atLeast: 0) == 2)
    #expect(reader.boolean("on") == true)
    #expect(reader.bytes("limit") == 64 << 20)
    #expect(reader.bytes("plain") == 1000)
    #expect(reader.seconds("wait") == 300)
    #expect(reader.seconds("short") == 0.25)
    #expect(reader.seconds("half") == 0.5)
    #expect(reader.texts("words") == ["a", "b"])
    #expect(reader.text("none") == nil)
    #expect(reader.integer("absent", default: 7) == 7)
    try reader.finish()
  }

  @Test func collectsEveryProblemWithItsLine() {
    var reader = reader([
      "count": .integer(0), "name": .integer(5), "on": .text("yes"), "limit": .text("5 parsecs"),
      "colour": .text("red"),
    ])
    #expect(reader.integer("count", in: 1...64, default: 4) == 4)
    #expect(reader.text("name") == nil)
    #expect(reader.boolean("on", default: false) == false)
    #expect(reader.bytes("limit") == nil)
    #expect(reader.requiredText("table", "the table to read") == "")
    #expect(throws: ConfigurationProblems.self) { try reader.finish() }
    #expect(
      reader.problems.map(\.description) == [
        "line 1: x.count: must be a whole number from 1 to 64, not 0",
        "line 2: x.name: must be text, not 5",
        "line 3: x.on: must be true or false, not \"yes\"",
        "line 4: x.limit: must be a number of bytes (64mb, 100gb, 1073741824), not \"5 parsecs\"",
        "line 1: x: \"table\" is missing: the table to read",
        "line 5: x.colour: unknown key\(NearestName.hint("colour", among: ["count"]))"
          + "; known are count, limit, name, on, table",
      ])
  }

  @Test(arguments: [("batchsize", "batch_size"), ("shufle", "shuffle"), ("Shuffle-Seed", "shuffle_seed")])
  func suggestsTheNearestKey(written: String, meant: String) {
    let known = ["batch_size", "shuffle", "shuffle_seed"]
    #expect(NearestName.of(written, among: known) == meant)
  }

  @Test func nothingNearIsNothing() {
    #expect(NearestName.of("temperature", among: ["batch_size", "shuffle"]) == nil)
    #expect(NearestName.of("", among: ["ab"]) == nil)
    #expect(NearestName.of("proportoin", among: ["proportion"]) == "proportion")
  }

  @Test func secretsAreNeverShown() {
    var reader = reader(
      ["key": .integer(271828), "count": .text("hunter2"), "flag": .text("hunter2"), "mode": .text("hunter2")],
      secret: true)
    _ = reader.text("key")
    _ = reader.integer("count")
    _ = reader.boolean("flag")
    _ = reader.choice("mode", of: ["a", "b"])
    #expect(reader.problems.count == 4)
    let text = reader.problems.map(\.description).joined()
    #expect(!text.contains("271828") && !text.contains("hunter2"))
    let value = ConfigurationValue(.text("hunter2"), line: 3)
    var dumped = ""
    dump(value, to: &dumped)
    dumped += "\(value) \(String(reflecting: value)) \([value])"
    #expect(!dumped.contains("hunter2"))
  }

  @Test func nestedReadersJoinTheirProblems() {
    let inner = ConfigurationMap([
      .init(key: "depth", value: ConfigurationValue(.text("deep"), line: 8), line: 8),
      .init(key: "widht", value: ConfigurationValue(.integer(1), line: 9), line: 9),
    ])
    var reader = reader(["tank": .map(inner), "fish": .list([ConfigurationValue(.integer(4), line: 2)])])
    let depth = reader.section("tank") { tank in
      _ = tank.integer("width")
      return tank.integer("depth", default: 2)
    }
    #expect(depth == 2)
    _ = reader.sections("fish") { fish in fish.requiredText("name", "what it is called") }
    reader.reportUnknownKeys()
    #expect(
      reader.problems.map(\.description) == [
        "line 8: x.tank.depth: must be a whole number, not \"deep\"",
        "line 9: x.tank.widht: unknown key; did you mean \"width\"?",
        "line 2: x.fish[0]: must be a map of keys, not a whole number",
      ])
  }

  @Test func valuesAreEqualWhereverTheyStand() {
    let left = ConfigurationMap([
      .init(key: "a", value: ConfigurationValue(.integer(1), line: 1), line: 1),
      .init(key: "b", value: ConfigurationValue(.text("t"), line: 2), line: 2),
    ])
    let right = ConfigurationMap([
      .init(key: "b", value: ConfigurationValue(.text("t"), line: 9), line: 9),
      .init(key: "a", value: ConfigurationValue(.integer(1), line: 7, spelling: "1"), line: 7),
    ])
    #expect(left == right)
    #expect(left.hashValue == right.hashValue)
    #expect(left != ConfigurationMap([left.entries[0]]))
  }
}
