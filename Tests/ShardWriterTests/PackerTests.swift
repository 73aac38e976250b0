import Codecs
import DatasetModel
import Foundation
import ShardFormats
import ShardWriter
import Testing

/// Packs small inputs of every kind and reads them back.
@Suite struct PackerTests {
  private func pack(_ input: PackInput, into work: TemporaryDirectory, sizeLimit: Int = 1 << 20) async throws {
    let options = try ShardOptions(sizeLimit: sizeLimit, hashes: ["xxh64"])
    _ = try await Packer(input: input, options: options, directory: work.path("out"), jobs: 2).run()
  }

  /// The samples' columns as bytes.
  private func read(_ work: TemporaryDirectory) throws -> [[String: [UInt8]]] {
    let files = try work.files("out")
    let manifest = try parseIndex([UInt8](files["index.json"] ?? Data()), stream: "s")
    #expect(files.count == manifest.shards.count + 1)
    var samples: [[String: [UInt8]]] = []
    for (position, shard) in manifest.shards.enumerated() {
      let bytes = [UInt8](files[shard.data.raw.basename] ?? Data())
      #expect(try shard.data.raw.hashes["xxh64"] == Digest.hex("xxh64", of: bytes))
      let table = try SampleTable.read(shard, at: position, stream: "s", sizes: (bytes.count, nil)) {
        (offset, count) throws(Never) in Array(bytes[offset..<offset + count])
      }
      let columns = manifest.schemas[shard.schema].columns
      for index in 0..<table.count {
        let sample = Array(bytes[table[index]])
        let ranges = try sample.withUnsafeBytes { try ColumnLayout.ranges(ofSample: $0, columns: columns) }
        samples.append(
          Dictionary(uniqueKeysWithValues: zip(columns, ranges).map { ($0.name, Array(sample[$1])) }))
      }
    }
    return samples
  }

  private func text(_ bytes: [UInt8]?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

  @Test func columnsAreFoundInTheRows() async throws {
    let work = try TemporaryDirectory()
    let rows = try work.write(
      "a.jsonl",
      """
      {"t": "x", "i": 1, "f": 1, "m": 1, "l": [1, 2], "big": 1}

      {"t": "y", "i": -2, "f": 2.5, "m": "s", "l": [3], "big": 99999999999999999999}
      """)
    try await pack(PackInput(format: .jsonl, paths: [rows]), into: work)
    let samples = try read(work)
    #expect(samples.count == 2)
    #expect(text(samples[1]["t"]) == "y")
    #expect(samples[1]["i"] == [0xfe] + [UInt8](repeating: 0xff, count: 7))
    #expect(samples[0]["f"] == [0, 0, 0, 0, 0, 0, 0xf0, 0x3f])
    #expect(text(samples[1]["m"]) == "\"s\"" && text(samples[0]["m"]) == "1")
    #expect(text(samples[0]["l"]) == "[1, 2]")
    #expect(text(samples[1]["big"]) == "99999999999999999999")
  }

  @Test func quotesAndLineEndsOfCSV() async throws {
    let work = try TemporaryDirectory()
    let rows = try work.write(
      "a.csv", "\u{feff}id,text,note\r\n1,\"a, \"\"b\"\"\nc\",x\r\n\r\n-2,,\"\"\n3,plain \"quote\",y")
    try await pack(
      PackInput(format: .csv, paths: [rows], columns: try PackColumn.parse("text:str,id:int16")), into: work)
    let samples = try read(work)
    #expect(samples.map { text($0["text"]) } == ["a, \"b\"\nc", "", "plain \"quote\""])
    #expect(samples.map { $0["id"] } == [[1, 0], [0xfe, 0xff], [3, 0]])
    #expect(samples[0].keys.sorted() == ["id", "text"])
  }

  @Test func tabsWithoutQuotes() async throws {
    let work = try TemporaryDirectory()
    let rows = try work.write("a.tsv", "a\tb\n\"x\t1,2\n")
    try await pack(PackInput(format: .tsv, paths: [rows]), into: work)
    #expect(try read(work).map { [text($0["a"]), text($0["b"])] } == [["\"x", "1,2"]])
  }

  @Test func filesOfAFolder() async throws {
    let work = try TemporaryDirectory()
    try FileManager.default.createDirectory(
      at: work.url.appending(path: "in/sub"), withIntermediateDirectories: true)
    for (name, content) in [("b.txt", "bee"), ("a.md", "ä"), ("sub/c.txt", ""), (".hidden", "no")] {
      _ = try work.write("in/\(name)", content)
    }
    try await pack(PackInput(format: .files, paths: [work.path("in")]), into: work)
    let samples = try read(work)
    #expect(samples.map { text($0["path"]) } == ["a.md", "b.txt", "sub/c.txt"])
    #expect(samples.map { text($0["text"]) } == ["ä", "bee", ""])
  }

  /// A `.npy` file as numpy writes it.
  private func array(_ type: String, _ shape: String, _ bytes: [UInt8]) -> Data {
    var header = "{'descr': '\(type)', 'fortran_order': False, 'shape': \(shape), }"
    header += String(repeating: " ", count: 63 - (10 + header.utf8.count) % 64) + "\n"
    let length = UInt16(header.utf8.count)
    return Data([0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 255), UInt8(length >> 8)])
      + Data(header.utf8) + Data(bytes)
  }

  @Test func tokensOfAnArray() async throws {
    let work = try TemporaryDirectory()
    let tokens: [UInt8] = (0..<25).flatMap { [UInt8($0), 7] }
    try array("<u2", "(25,)", tokens).write(to: work.url.appending(path: "a.npy"))
    var input = PackInput(format: .npy, paths: [work.path("a.npy"), work.path("a.npy")])
    await #expect(throws: PackError.self) { try await pack(input, into: work) }
    input.tokensPerSample = 4
    try await pack(input, into: work, sizeLimit: 200)
    let samples = try read(work)
    #expect(samples.count == 12)
    #expect(samples[6]["tokens"] == Array(tokens[..<8]))
  }

  @Test func rowsOfAnArray() async throws {
    let work = try TemporaryDirectory()
    try array("<f4", "(2, 3)", (0..<24).map { UInt8($0) }).write(to: work.url.appending(path: "a.npy"))
    try await pack(PackInput(format: .npy, paths: [work.path("a.npy")]), into: work)
    #expect(try read(work).map { $0["tokens"] } == [(0..<12).map { UInt8($0) }, (12..<24).map { UInt8($0) }])
  }

  /// More batches and shards than threads: the order is the input's whatever finishes first.
  @Test func orderIsTheInputs() async throws {
    let work = try TemporaryDirectory()
    let rows = (0..<60_000).map { #"{"id": \#($0), "t": "\#(String(repeating: "x", count: $0 % 300))"}"# }
    let path = try work.write("a.jsonl", rows.joined(separator: "\n"))
    try await pack(PackInput(format: .jsonl, paths: [path]), into: work, sizeLimit: 300_000)
    let samples = try read(work)
    #expect(samples.count == 60_000)
    #expect(samples.enumerated().allSatisfy { $1["t"]?.count == $0 % 300 })
  }

  @Test(arguments: [
    ("{\"a\": 1}\n{\"b\": 2}\n", "a:int", "line 2: column \"a\" is missing"),
    ("{\"a\": 1}\n{\"a\": \"x\"}\n", "a:int", "line 2: column \"a\" (int): expected a whole number, found text"),
    ("{\"a\": 300}\n", "a:uint8", "\"300\" does not fit in uint8"),
    ("{\"a\": -129}\n", "a:int8", "\"-129\" does not fit in int8"),
    ("{\"a\": [1, [2]]}\n", "a:ndarray:int8", "expected a whole number, found a list"),
    ("{\"a\": [[1], [2, 3]]}\n", "a:ndarray:int8", "the rows of an array must all have the same length"),
    ("{\"a\": []}\n", "a:ndarray", "an array cannot be empty"),
    ("{\"a\": 1} x\n", "a:int", "line 1: not JSON"), ("[1]\n", "a:int", "line 1: not JSON"),
    ("\n\n", "a:int", "no rows"), ("{\"a\": \"!\"}\n", "a:bytes", "base64"),
  ])
  func whatCannotBePacked(rows: String, columns: String, message: String) async throws {
    let work = try TemporaryDirectory()
    let path = try work.write("a.jsonl", rows)
    let input = PackInput(format: .jsonl, paths: [path], columns: try PackColumn.parse(columns))
    let error = await #expect(throws: PackError.self) { try await pack(input, into: work) }
    #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    #expect(!FileManager.default.fileExists(atPath: work.path("out")), "nothing stays behind")
  }

  @Test func elementsThatFillNoSampleAreSaid() async throws {
    let work = try TemporaryDirectory()
    try array("<u2", "(11,)", [UInt8](repeating: 1, count: 22)).write(to: work.url.appending(path: "a.npy"))
    var input = PackInput(format: .npy, paths: [work.path("a.npy")])
    input.tokensPerSample = 4
    let total = try await Packer(input: input, options: try ShardOptions(), directory: work.path("out"), jobs: 1).run()
    #expect(total.samples == 2)
    #expect(total.remarks == ["3 elements at the end of the array fill no whole sample and were left out"])
  }

  /// A row far behind cannot be packed: shards that were finished long before go, and the empty directory stays.
  @Test func aLateFaultTakesEverythingBack() async throws {
    let work = try TemporaryDirectory()
    let rows = (0..<40_000).map { #"{"t": "\#(String(repeating: "x", count: $0 % 300))"}"# } + ["{}"]
    let path = try work.write("a.jsonl", rows.joined(separator: "\n"))
    try FileManager.default.createDirectory(atPath: work.path("out"), withIntermediateDirectories: true)
    let error = await #expect(throws: PackError.self) {
      try await pack(
        PackInput(format: .jsonl, paths: [path], columns: try PackColumn.parse("t:str")), into: work, sizeLimit: 10_000)
    }
    #expect(error?.message == "\(path), line 40001: column \"t\" is missing")
    #expect(try work.files("out").isEmpty)
  }

  @Test func whatAnInterruptedPackingLeftIsSweptAndNothingElse() async throws {
    let work = try TemporaryDirectory()
    let path = try work.write("a.jsonl", "{\"a\": 1}\n")
    let input = PackInput(format: .jsonl, paths: [path])
    try FileManager.default.createDirectory(atPath: work.path("out"), withIntermediateDirectories: true)
    for name in [".packing", "shard.00000.mds", "shard.00001.mds.tmp"] { _ = try work.write("out/\(name)", "x") }
    _ = try work.write("out/mine", "y")
    await #expect(throws: PackError.self) { try await pack(input, into: work) }
    #expect(try work.files("out").count == 4)
    try FileManager.default.removeItem(atPath: work.path("out/mine"))
    try await pack(input, into: work)
    #expect(try work.files("out").keys.sorted() == ["index.json", "shard.00000.mds"])
    #expect(try read(work).count == 1)
    // A finished stream is nobody's leftovers.
    let again = await #expect(throws: PackError.self) { try await pack(input, into: work) }
    #expect(again?.message.contains("is not empty") == true)
  }

  @Test func aDirectoryWithFilesIsLeftAlone() async throws {
    let work = try TemporaryDirectory()
    let path = try work.write("a.jsonl", "{\"a\": 1}\n")
    try FileManager.default.createDirectory(at: work.url.appending(path: "out"), withIntermediateDirectories: true)
    _ = try work.write("out/mine", "x")
    let error = await #expect(throws: PackError.self) {
      try await pack(PackInput(format: .jsonl, paths: [path]), into: work)
    }
    #expect(error?.code == .options)
    #expect(try work.files("out").keys.sorted() == ["mine"])
  }

  @Test(arguments: ["", "a", "a:", ":int", "a:pkl", "a:int,a:str", "a:ndarray:int8:0", "a:ndarray::2", "a:list[pil]"])
  func columnsThatAreNone(text: String) {
    #expect(throws: PackError.self) { try PackColumn.parse(text) }
  }

  @Test func shapesMayHaveCommas() throws {
    let columns = try PackColumn.parse("x:ndarray:int8:2,3,b:str,a:ndarray:int16:4")
    #expect(columns.map(\.name) == ["a", "b", "x"])
    #expect(columns[2].encodingName == "ndarray:int8:2,3")
  }

  @Test(
    arguments: [("64xb", nil, nil), ("64mb", "lz4", nil), ("4gb", nil, nil), ("1", nil, "crc"), ("1", nil, "md5,md5")]
      as [(String, String?, String?)])
  func optionsThatAreNone(size: String, compression: String?, hashes: String?) {
    let error = #expect(throws: PackError.self) {
      try ShardOptions.parse(sizeLimit: size, compression: compression, hashes: hashes)
    }
    #expect(error?.code == .options)
  }
}
