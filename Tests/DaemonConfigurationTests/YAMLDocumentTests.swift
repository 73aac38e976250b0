import StreamRegistry
import Testing

@testable import DaemonConfiguration

@Suite struct YAMLDocumentTests {
  @Test func everyValueHasItsLine() throws {
    let document = try YAMLDocument.parse("a: 1\nb:\n  - x\n  - {c: true}\n# note\nd: 'q'\n")
    let map = try #require(document.map)
    #expect(map.entries.map(\.key) == ["a", "b", "d"])
    #expect(map.entries.map(\.line) == [1, 2, 6])
    let items = try #require(map["b"]?.list)
    #expect(items.map(\.line) == [3, 4])
    #expect(items[1].map?["c"]?.content == .bool(true))
  }

  @Test(arguments: [
    ("1", ConfigurationValue.Content.integer(1)), ("-7", .integer(-7)), ("0660", .integer(660)),
    ("0o17", .integer(15)), ("0x1F", .integer(31)), ("1.5", .number(1.5)), ("1e3", .number(1000)), (".5", .number(0.5)),
    ("true", .bool(true)), ("yes", .text("yes")), ("no", .text("no")), ("~", .null), ("null", .null), ("", .null),
    ("1.2.3", .text("1.2.3")), ("64mb", .text("64mb")), ("1_000", .text("1_000")), ("+", .text("+")),
    ("12:30", .text("12:30")), ("99999999999999999999", .number(1e20)), ("0x", .text("0x")), ("e5", .text("e5")),
  ])
  func plainScalars(word: String, content: ConfigurationValue.Content) throws {
    #expect(PlainScalar.content(word) == content)
    #expect(try YAMLDocument.parse("k: \(word)").map?["k"]?.content == content)
    if content != .null {
      #expect(try YAMLDocument.parse("k: \"\(word)\"").map?["k"]?.content == .text(word))
    }
  }

  @Test func anchorsAndMerges() throws {
    let text = "x: &d {a: 1, b: 2}\ny: &e {c: 9}\nz:\n  <<: [*d, *e]\n  a: 3\n"
    let map = try #require(try YAMLDocument.parse(text).map?["z"]?.map)
    #expect(map["a"]?.content == .integer(3))
    #expect(map["b"]?.content == .integer(2))
    #expect(map["c"]?.content == .integer(9))
    #expect(map.entries.count == 3)
  }

  @Test(arguments: [
    ("a: [1, 2\nb: 3\n", 2, "is not YAML"), ("a: 1\na: 2\n", 1, "stands twice"), ("a: !!binary aGk=\n", 1, "the tag"),
    ("a: *nowhere\n", 1, "undefined alias"), ("a: 1\n---\nb: 2\n", 2, "another document"),
    ("<<: 5\n", 1, "<< merges maps"), ("? [a, b]\n: 1\n", 1, "a key must be text"), ("a: \u{1}\n", 1, "is not YAML"),
  ])
  func whatIsNotUnderstood(text: String, line: Int, message: String) {
    let error = #expect(throws: ConfigurationProblems.self) { try YAMLDocument.parse(text) }
    #expect(error?.problems.first?.line == line)
    #expect(error?.description.contains(message) == true, "\(error?.description ?? "")")
  }

  @Test func filesThatMultiplyThemselvesAreRefused() {
    var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in 1...9 {
      let previous = [String](repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(previous)]\n"
    }
    let error = #expect(throws: ConfigurationProblems.self) { try YAMLDocument.parse(text) }
    #expect(error?.description.contains("more than 1000000 values") == true)
  }
}
