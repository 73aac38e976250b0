import Testing

@testable import Codecs

/// The block format by hand: what no encoder at hand writes, but the format allows.
@Suite struct SnappyDecoderTests {
  private func decode(_ bytes: [UInt8], promised: Int) throws -> [UInt8] {
    try Decompressor.bytes(.snappy, bytes, promisedBytes: promised)
  }

  @Test func copiesOfEveryForm() throws {
    // "abcd", then copies with 1, 2 and 4 bytes of distance.
    let literal: [UInt8] = [3 << 2] + Array("abcd".utf8)
    #expect(try decode([8] + literal + [0 << 2 | 1, 4], promised: 8) == Array("abcdabcd".utf8))
    #expect(try decode([6] + literal + [1 << 2 | 2, 3, 0], promised: 6) == Array("abcdbc".utf8))
    #expect(try decode([6] + literal + [1 << 2 | 3, 1, 0, 0, 0], promised: 6) == Array("abcddd".utf8))
  }

  @Test func overlappingCopyRepeats() throws {
    #expect(try decode([12, 0, 7, (9 << 2) | 2, 1, 0, 0, 9], promised: 12) == [UInt8](repeating: 7, count: 11) + [9])
  }

  @Test(arguments: [1, 2, 3, 4]) func literalsWithLengthBytes(lengthBytes: Int) throws {
    let raw = (0..<200).map { UInt8($0) }
    let length = [199] + [UInt8](repeating: 0, count: lengthBytes - 1)
    #expect(try decode([200, 1, UInt8(59 + lengthBytes) << 2] + length + raw, promised: 200) == raw)
  }

  @Test(
    arguments: [
      ("copy before the beginning", [4, 0, 1, 2 << 2 | 2, 2, 0]),
      ("distance zero", [4, 0, 1, 2 << 2 | 2, 0, 0]),
      ("copy past the length", [4, 0, 1, 9 << 2 | 2, 1, 0]),
      ("literal past the length", [2, 3 << 2, 1, 2, 3, 4]),
      ("length of six bytes", [0x80, 0x80, 0x80, 0x80, 0x80, 0]),
      ("length over 32 bits", [0xff, 0xff, 0xff, 0xff, 0x7f]),
      ("nothing", []),
      ("only a length", [4]),
    ] as [(String, [UInt8])])
  func refused(name: String, bytes: [UInt8]) {
    #expect(throws: CodecError.self, "\(name)") { try decode(bytes, promised: 4) }
  }

  /// Several pieces long, with copies that reach back further than the 64 KiB of the usual encoders.
  @Test func copiesReachBackOverPieces() throws {
    var generator = SeededGenerator(seed: 3)
    let block = (0..<200_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
    var bytes: [UInt8] = [0x80, 0xb5, 0x18]  // 400,000
    bytes += [62 << 2, 0x3f, 0x0d, 0x03] + block
    for _ in 0..<3125 { bytes += [63 << 2 | 3, 0x40, 0x0d, 0x03, 0] }  // 64 bytes from 200,000 back
    #expect(try decode(bytes, promised: 400_000) == block + block)
  }

  /// A window shorter than the block goes round and round; a copy that reaches back further is refused.
  @Test(arguments: [65_536, 70_000, 300_000, 999_999]) func windowShorterThanTheBlock(reach: Int) throws {
    let raw = Array(Sample.text.bytes.prefix(600_000)) + Sample.farRepeat.bytes.prefix(400_000)
    let packed = try Compressor.compress(raw, try Compression(parsing: "snappy"))
    let decoder = SnappyDecoder(promisedBytes: raw.count, reach: reach)
    var out: [UInt8] = []
    try packed.withUnsafeBytes { input in
      var rest = input
      while true {
        let step = try decoder.step(UnsafeRawBufferPointer(rebasing: rest.prefix(10_007)))
        out += step.output
        rest = UnsafeRawBufferPointer(rebasing: rest[step.consumed...])
        if step.ended { break }
      }
    }
    #expect(out == raw)

    let far: [UInt8] = [0x80, 0xb5, 0x18, 62 << 2, 0x3f, 0x0d, 0x03] + raw.prefix(200_000) + [2 << 2 | 3, 0, 1, 2, 0]
    let short = SnappyDecoder(promisedBytes: 400_000, reach: 65_536)
    #expect(throws: CodecError.self) {
      try far.withUnsafeBytes { input in
        var rest = input
        while !rest.isEmpty {
          let step = try short.step(rest)
          rest = UnsafeRawBufferPointer(rebasing: rest[step.consumed...])
        }
      }
    }
  }
}
