import DatasetModel
import ShardFormats
import Testing

/// What a value's bytes cannot be under its encoding.
@Suite struct SampleCheckTests {
  private func fault(_ encoding: String, _ bytes: [UInt8]) -> SampleFault? {
    let schema = StreamSchema(format: .mds, columns: [ColumnSchema(name: "c", encoding: encoding, size: nil)])
    let length = withUnsafeBytes(of: UInt32(bytes.count).littleEndian) { Array($0) }
    return (length + bytes).withUnsafeBytes { SampleCheck.fault(of: $0, schema: schema) }
  }

  @Test(
    arguments: [
      ("str", Array("ä".utf8)), ("bytes", [0xff]), ("int", [UInt8](repeating: 1, count: 8)), ("float16", [0, 0]),
      ("str_int", Array("-12345678901234567890".utf8)), ("str_float", Array("1e+30".utf8)),
      ("str_float", Array("nan".utf8)), ("str_float", Array("-inf".utf8)), ("str_decimal", Array("1E+3".utf8)),
      ("str_decimal", Array("NaN".utf8)), ("json", Array("12".utf8)), ("json", Array("{\"a\": [NaN, -Infinity]}".utf8)),
      ("ndarray", [0x11, 0x08, 2, 2, 1, 0, 2, 0, 3, 0, 4, 0]), ("ndarray:int16", [0x08, 2, 1, 1, 0, 2, 0]),
      ("ndarray:int16:2,1", [1, 0, 2, 0]), ("pil", [1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0x4c, 7, 7]),
      ("jpeg", [0xff, 0xd8]), ("list[png]", [0, 0, 0, 0, 0, 0, 0, 0]),
      ("jpeg_array", [1, 0, 0, 0, 2, 0, 0, 0, 0xff, 0xd8]), ("users:own", [1, 2]),
    ] as [(String, [UInt8])])
  func sound(encoding: String, bytes: [UInt8]) {
    #expect(fault(encoding, bytes) == nil)
  }

  @Test(
    arguments: [
      ("str", [0xff]), ("int", [1, 2, 3]), ("float16", [0]), ("str_int", []), ("str_int", Array("1.5".utf8)),
      ("str_int", Array("-".utf8)), ("str_float", Array("x".utf8)), ("str_decimal", Array("inf".utf8)), ("json", []),
      ("json", Array("{".utf8)), ("json", Array("1 2".utf8)), ("ndarray", []), ("ndarray", [7, 4, 1, 0]),
      ("ndarray", [8, 4, 1]), ("ndarray", [8, 4, 2, 0]), ("ndarray", [8, 0, 0]), ("ndarray", [8, 4, 0]),
      ("ndarray", [8, 0xff, 1, 1]), ("ndarray", [8, 7] + [UInt8](repeating: 0xff, count: 8)),
      ("ndarray:int16:2,1", [1, 0, 2]), ("ndarray:int5", [0]), ("pil", [1, 0, 0, 0]),
      ("pil", [1, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 0x4c, 7]),
      ("pil", [1, 0, 0, 0, 2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]),
      ("jpeg", [0xff]), ("png", [0x89]), ("jpeg_array", [0, 0, 0, 0]), ("jpeg_array", [2, 0, 0, 0, 1]),
      ("jpeg_array", [1, 0, 0, 0, 9, 0, 0, 0, 0xff, 0xd8]), ("list[jpeg]", [0, 0, 0, 0]),
      ("list[jpeg]", [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]), ("list[png]", [0, 0, 0, 0, 0, 0, 0, 0, 1]),
    ] as [(String, [UInt8])])
  func unsound(encoding: String, bytes: [UInt8]) {
    #expect(fault(encoding, bytes) != nil)
  }

  @Test func layoutOfColumns() throws {
    // formats.md §2: a:int, b:str, c:bytes, d:uint16, sample (−2, "hé", 01 02 03, 513).
    let sample: [UInt8] =
      [3, 0, 0, 0, 3, 0, 0, 0, 0xfe] + [UInt8](repeating: 0xff, count: 7) + Array("hé".utf8) + [1, 2, 3, 1, 2]
    let columns = [
      ColumnSchema(name: "a", encoding: "int", size: 8), ColumnSchema(name: "b", encoding: "str", size: nil),
      ColumnSchema(name: "c", encoding: "bytes", size: nil), ColumnSchema(name: "d", encoding: "uint16", size: 2),
    ]
    let ranges = try sample.withUnsafeBytes { try ColumnLayout.ranges(ofSample: $0, columns: columns) }
    #expect(ranges == [8..<16, 16..<19, 19..<22, 22..<24])
    for count in 0..<sample.count {
      #expect(throws: SampleFault.self) {
        try sample.prefix(count).withUnsafeBytes { try ColumnLayout.ranges(ofSample: $0, columns: columns) }
      }
    }
    #expect(throws: SampleFault.unusedBytes(1)) {
      try (sample + [0]).withUnsafeBytes { try ColumnLayout.ranges(ofSample: $0, columns: columns) }
    }
  }

  @Test func fieldsOfALine() throws {
    func ranges(_ line: String, _ separator: String, _ newline: String) throws -> [Range<Int>] {
      try Array(line.utf8).withUnsafeBytes {
        try ColumnLayout.ranges(ofLine: $0, separator: separator, newline: newline)
      }
    }
    #expect(try ranges("a,bc,\n", ",", "\n") == [0..<1, 2..<4, 5..<5])
    #expect(try ranges("a::b\r\n", "::", "\r\n") == [0..<1, 3..<4])
    #expect(try ranges("\n", ",", "\n") == [0..<0])
    #expect(throws: SampleFault.noNewline) { try ranges("a,b", ",", "\n") }
    #expect(throws: SampleFault.noNewline) { try ranges("", ",", "\n") }
  }

  @Test(arguments: [
    ("{\"a\": \"x\", \"b\": 1}\n", true), ("{\"b\": 1, \"a\": null, \"c\": []} \n", true), ("{\"a\": 1}\n", false),
    ("{}\n", false), ("[]\n", false), ("{\"a\": 1, \"b\": 1} x\n", false), ("", false),
  ])
  func linesOfJSON(line: String, isSound: Bool) {
    let schema = StreamSchema(
      format: .json,
      columns: [
        ColumnSchema(name: "a", encoding: "str", size: nil), ColumnSchema(name: "b", encoding: "int", size: nil),
      ], newline: "\n")
    #expect((Array(line.utf8).withUnsafeBytes { SampleCheck.fault(of: $0, schema: schema) } == nil) == isSound)
  }
}
