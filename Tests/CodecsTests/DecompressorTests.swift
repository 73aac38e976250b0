import Codecs
import Testing

@Suite struct DecompressorTests {
  struct ReadFailed: Error, Equatable {}

  static let families = CompressionFamily.allCases

  @Test(arguments: families, Sample.allCases)
  func roundTrip(family: CompressionFamily, sample: Sample) throws {
    let raw = sample.bytes
    for level in try levels(of: family) {
      let packed = try Compressor.compress(raw, level)
      #expect(try Decompressor.bytes(family, packed, promisedBytes: raw.count) == raw, "\(level)")
    }
  }

  private func levels(of family: CompressionFamily) throws -> [Compression] {
    let texts =
      switch family {
      case .br: ["br:0", "br:5"]
      case .bz2: ["bz2:1", "bz2"]
      case .gz: ["gz:0", "gz:1", "gz"]
      case .snappy: ["snappy"]
      case .zstd: ["zstd:1", "zstd", "zstd:19"]
      }
    return try texts.map { try Compression(parsing: $0) }
  }

  /// However the input is cut, the same bytes come out.
  @Test(arguments: families) func everySplitOfTheInput(family: CompressionFamily) throws {
    let raw = Array(Sample.text.bytes.prefix(1500))
    let packed = try Compressor.compress(raw, try Compression(parsing: family.rawValue))
    for size in [1, 2, 3, 7, 64, 1000] {
      #expect(try pieces(family, packed, size: size, promised: raw.count) == raw, "pieces of \(size)")
    }
  }

  private func pieces(_ family: CompressionFamily, _ packed: [UInt8], size: Int, promised: Int) throws -> [UInt8] {
    var position = 0
    var raw: [UInt8] = []
    try Decompressor.run(family, promisedBytes: promised) { (buffer) throws(ReadFailed) -> Int in
      let count = min(size, packed.count - position, buffer.count)
      buffer.copyBytes(from: packed[position..<position + count])
      position += count
      return count
    } write: { (piece) throws(ReadFailed) in
      raw += piece
    }
    return raw
  }

  @Test(arguments: families) func aBombStopsAtThePromise(family: CompressionFamily) throws {
    let packed = try Compressor.compress(Sample.zeros.bytes, try Compression(parsing: family.rawValue))
    var written = 0
    #expect {
      var decompressor = try Decompressor(family, promisedBytes: 1_000_000)
      try packed.withUnsafeBytes {
        try decompressor.push($0) { (piece: UnsafeRawBufferPointer) throws(ReadFailed) in written += piece.count }
      }
      try decompressor.finish()
    } throws: { error in
      guard case .codec(.longerThanPromised(family, 1_000_000))? = error as? CodingFailure<ReadFailed> else {
        return false
      }
      return true
    }
    #expect(written <= 1_000_000)
  }

  @Test(arguments: families) func lessThanPromised(family: CompressionFamily) throws {
    let packed = try Compressor.compress(Sample.text.bytes, try Compression(parsing: family.rawValue))
    let count = Sample.text.bytes.count
    #expect(throws: CodecError.shorterThanPromised(family, promised: count + 1, found: count)) {
      try Decompressor.bytes(family, packed, promisedBytes: count + 1)
    }
  }

  @Test(arguments: families) func everyTruncation(family: CompressionFamily) throws {
    let raw = Array(Sample.text.bytes.prefix(400))
    let packed = try Compressor.compress(raw, try Compression(parsing: family.rawValue))
    for count in 0..<packed.count {
      #expect(throws: CodecError.self, "\(count) of \(packed.count) bytes") {
        try Decompressor.bytes(family, Array(packed.prefix(count)), promisedBytes: raw.count)
      }
    }
  }

  @Test(arguments: families) func trailingBytes(family: CompressionFamily) throws {
    let raw = Array(Sample.text.bytes.prefix(400))
    let packed = try Compressor.compress(raw, try Compression(parsing: family.rawValue))
    for tail in [[0], [0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9]] as [[UInt8]] {
      #expect(throws: CodecError.trailingBytes(family)) {
        try Decompressor.bytes(family, packed + tail, promisedBytes: raw.count)
      }
    }
  }

  /// zstd, gzip and bzip2 files may be concatenated; their tools and the reference read them as one.
  @Test(arguments: [CompressionFamily.zstd, .gz, .bz2]) func concatenatedMembers(family: CompressionFamily) throws {
    let raw = Array(Sample.text.bytes.prefix(4000))
    let packed = try Compressor.compress(raw, try Compression(parsing: family.rawValue))
    #expect(try Decompressor.bytes(family, packed + packed, promisedBytes: 8000) == raw + raw)
    #expect(try pieces(family, packed + packed, size: 3, promised: 8000) == raw + raw)
    #expect(throws: CodecError.longerThanPromised(family, promised: 4000)) {
      try Decompressor.bytes(family, packed + packed, promisedBytes: 4000)
    }
  }

  @Test func callersFailuresComeBackAsTheyAre() throws {
    let packed = try Compressor.compress(Sample.text.bytes, try Compression(parsing: "zstd"))
    #expect {
      try Decompressor.run(.zstd, promisedBytes: 1) { (_) throws(ReadFailed) -> Int in
        throw ReadFailed()
      } write: { (_) throws(ReadFailed) in
      }
    } throws: { error in
      if case .io(ReadFailed())? = error as? CodingFailure<ReadFailed> { return true }
      return false
    }
    var decompressor = try Decompressor(.zstd, promisedBytes: Sample.text.bytes.count)
    var seen = false
    do {
      try packed.withUnsafeBytes {
        try decompressor.push($0) { (_: UnsafeRawBufferPointer) throws(ReadFailed) in throw ReadFailed() }
      }
    } catch {
      if case .io(ReadFailed()) = error as? CodingFailure<ReadFailed> { seen = true }
    }
    #expect(seen)
  }

  /// Seeded flips, cuts and insertions: an error or other bytes, never a crash and never more than promised.
  @Test(arguments: families) func mutatedInput(family: CompressionFamily) throws {
    let seed = UInt64.random(in: 0...UInt64.max)
    var generator = SeededGenerator(seed: seed)
    let raw = Array(Sample.text.bytes.prefix(3000))
    let packed = try Compressor.compress(raw, try Compression(parsing: family.rawValue))
    for round in 0..<2000 {
      var bytes = packed
      for _ in 0...Int.random(in: 0...3, using: &generator) {
        let position = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0...3, using: &generator) {
        case 0: bytes[position] ^= 1 << UInt8.random(in: 0...7, using: &generator)
        case 1: bytes[position] = UInt8.random(in: 0...255, using: &generator)
        case 2: bytes.removeLast(min(bytes.count - 1, Int.random(in: 0...20, using: &generator)))
        default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: position)
        }
      }
      do {
        let out = try Decompressor.bytes(family, bytes, promisedBytes: raw.count)
        #expect(out.count == raw.count, "seed \(seed) round \(round)")
      } catch {}
    }
  }
}
