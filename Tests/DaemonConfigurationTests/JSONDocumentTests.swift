import StreamRegistry
import Testing

@testable import DaemonConfiguration

@Suite struct JSONDocumentTests {
  @Test func readsEveryForm() throws {
    let text = """
      {"a": [1, -2, 2.5, 1e3, true, false, null],
       "t": "q\\"\\\\\\/\\n\\u00e9\\ud83d\\ude00é", "m": {}, "l": []}
      """
    let map = try #require(try JSONDocument.parse(text).map)
    #expect(
      map["a"]?.list?.map(\.content) == [
        .integer(1), .integer(-2), .number(2.5), .number(1000), .bool(true), .bool(false), .null,
      ])
    #expect(map["t"]?.text == "q\"\\/\né😀é")
    #expect(map["t"]?.line == 2)
    #expect(map["m"]?.map?.entries.isEmpty == true)
    #expect(map["l"]?.list?.isEmpty == true)
  }

  @Test(arguments: [
    "", "{", "[1,]", "{\"a\":1,}", "{\"a\" 1}", "{a: 1}", "'a'", "01", "+1", "1.", ".5", "0x10", "0o7", "nul", "True",
    "~", "[1 2]", "{\"a\":1}x", "\"\\x\"", "\"\\ud800\"", "\"\\ud800\\u0041\"", "\"\\udc00\"", "\"a", "\"\u{1}\"",
    "NaN",
    "1e999", "{\"a\":1,\"a\":2}", "\"\\u12\"", "-", "1e", "yes", ".inf", "{\"a\":}", "[", "[1", "\"\\",
  ])
  func whatIsNotJSON(text: String) {
    #expect(throws: ConfigurationProblems.self) { try JSONDocument.parse(text) }
  }

  @Test func depthAndCountAreBounded() {
    let deep = String(repeating: "[", count: 100_000)
    let error = #expect(throws: ConfigurationProblems.self) { try JSONDocument.parse(deep) }
    #expect(error?.description.contains("nests deeper than 32 levels") == true)
    let many = "[" + String(repeating: "1,", count: 100_001) + "1]"
    let other = #expect(throws: ConfigurationProblems.self) { try JSONDocument.parse(many) }
    #expect(other?.description.contains("more than 100000 values") == true)
  }

  @Test func mutatedDocumentsNeverCrash() {
    var generator = SystemRandomNumberGenerator()
    let seed = UInt64.random(in: 0...UInt64.max, using: &generator)
    print("mutatedDocumentsNeverCrash: seed \(seed)")
    var random = SplitMix(state: seed)
    let document = Array(
      "{\"streams\":[{\"remote\":\"s3://b/k\",\"proportion\":0.5e1}],\"x\":[true,null,\"\\u00e9\"]}".utf8)
    var parsed = 0
    for _ in 0..<50_000 {
      var bytes = document
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<3, using: &random) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes.remove(at: place)
        default: bytes.insert(document[Int.random(in: 0..<document.count, using: &random)], at: place)
        }
      }
      do throws(ConfigurationProblems) {
        _ = try JSONDocument.parse(String(decoding: bytes, as: UTF8.self))
        parsed += 1
      } catch { #expect(!error.problems.isEmpty) }
    }
    #expect(parsed > 0 && parsed < 50_000)
  }
}

/// SplitMix64: a seeded generator for tests.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
