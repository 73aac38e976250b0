import Codecs
import Foundation
import ShardWriter
import Testing

/// What we write is byte for byte what the reference's writer writes for the same rows and options.
@Suite(.enabled(if: Reference.isInstalled, Reference.missing)) struct ReferenceWriterTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let name: String
    let columns: [(String, String)]
    let rows: [String]
    var sizeLimit = 1 << 26
    var compression: String?
    var hashes: [String] = []

    var testDescription: String { name }
    var columnText: String { columns.map { "\($0.0):\($0.1)" }.joined(separator: ",") }
  }

  private static let texts = (0..<300).map { row in
    #"{"id": \#(row * 37 - 500), "text": "Zeile \#(row) – データ \"süß\" \u00e9\n\#(String(repeating: "wort ", count: row % 40))", "extra": [1]}"#
  }

  private static let numbers = (0..<50).map { row in
    let base = row < 25 ? "\(row - 25)" : "\(row - 24)"
    return
      #"{"i8": \#(base), "u16": \#(row * 1311), "i64": \#(base)000000000000, "f16": \#(base).125, "f32": \#(base).1, "f64": \#(base).1e-\#(row % 30), "si": \#(base)99999999999999999999999, "sf": \#(base).5e\#(row), "sd": "\#(base).10", "flag": true}"#
  }

  private static let nested = (1..<40).map { row in
    let list = (0..<row).map { "\($0 * row)" }.joined(separator: ", ")
    return
      #"{"b": "\#(Base64.encode((0..<row).map { UInt8($0) }))", "n": [[\#(list)], [\#(list)]], "u": [\#(list)], "fixed": [[1.5, \#(row)], [3, -4e3]], "j": {"b": [1.0, 1e16, 1e-5, 123456789.125, 1e22, true, null, -0.0, 12345678901234567890], "a": {"ü\u0007\/": "\ud83d\ude00"}}}"#
  }

  static let cases: [Case] = [
    Case(name: "text", columns: [("text", "str"), ("id", "int")], rows: texts),
    Case(name: "small shards", columns: [("text", "str"), ("id", "int")], rows: texts, sizeLimit: 1000),
    Case(name: "a first sample over the limit", columns: [("text", "str")], rows: texts, sizeLimit: 200),
    Case(
      name: "no limit", columns: [("text", "str")], rows: texts, sizeLimit: 0, hashes: ["sha1", "xxh3_128", "xxh64"]),
    Case(
      name: "numbers",
      columns: [
        ("i8", "int8"), ("u16", "uint16"), ("i64", "int64"), ("f16", "float16"), ("f32", "float32"),
        ("f64", "float64"), ("si", "str_int"), ("sf", "str_float"), ("sd", "str_decimal"), ("flag", "int"),
      ], rows: numbers, hashes: ["blake2b", "md5", "sha3_256"]),
    Case(
      name: "arrays and JSON",
      columns: [
        ("b", "bytes"), ("n", "ndarray"), ("u", "ndarray:uint16"), ("fixed", "ndarray:float32:2,2"), ("j", "json"),
      ], rows: nested, sizeLimit: 4096),
    Case(name: "zstd", columns: [("text", "str")], rows: texts, compression: "zstd:7", hashes: ["sha1"]),
    Case(name: "gz", columns: [("text", "str")], rows: texts, compression: "gz", hashes: []),
    Case(name: "gz:1", columns: [("text", "str")], rows: texts, compression: "gz:1"),
    Case(name: "bz2", columns: [("text", "str")], rows: texts, sizeLimit: 3000, compression: "bz2", hashes: ["xxh32"]),
    Case(name: "br", columns: [("text", "str")], rows: texts, compression: "br"),
    Case(name: "snappy", columns: [("text", "str")], rows: texts, compression: "snappy"),
  ]

  /// One test for all, because starting the reference takes seconds.
  @Test func sameBytes() async throws {
    let work = try TemporaryDirectory()
    var jobs: [[String: Any]] = []
    for (number, test) in Self.cases.enumerated() {
      let rows = try work.write("\(number).jsonl", test.rows.joined(separator: "\n") + "\n")
      let input = PackInput(format: .jsonl, paths: [rows], columns: try PackColumn.parse(test.columnText))
      let options = try ShardOptions.parse(
        sizeLimit: "\(test.sizeLimit)", compression: test.compression, hashes: test.hashes.joined(separator: ","))
      _ = try await Packer(input: input, options: options, directory: work.path("ours\(number)"), jobs: 3).run()

      var writer: [String: Any] = ["size_limit": test.sizeLimit, "hashes": test.hashes]
      if let compression = test.compression { writer["compression"] = compression }
      jobs.append([
        "rows": rows, "theirs": work.path("theirs\(number)"), "ours": work.path("ours\(number)"),
        "columns": Dictionary(uniqueKeysWithValues: test.columns), "options": writer,
      ])
    }
    let file = work.url.appending(path: "jobs.json")
    try JSONSerialization.data(withJSONObject: jobs).write(to: file)
    let answers = try Reference.run(file.path).split(separator: "\n")
    #expect(answers.count == Self.cases.count)

    for (number, test) in Self.cases.enumerated() {
      #expect(answers[number] == "same \(test.rows.count)", "\(test.name): what the reference's reader reads")
      let (ours, theirs) = (try work.files("ours\(number)"), try work.files("theirs\(number)"))
      #expect(ours.keys.sorted() == theirs.keys.sorted(), "\(test.name)")
      for (name, bytes) in theirs {
        #expect(ours[name].map { timeless($0, name) } == timeless(bytes, name), "\(test.name): \(name)")
      }
    }
  }

  /// A gzip file without its time of writing.
  private func timeless(_ bytes: Data, _ name: String) -> [UInt8] {
    var bytes = [UInt8](bytes)
    if name.hasSuffix(".gz") { for position in 4..<8 { bytes[position] = 0 } }
    return bytes
  }
}
