import Testing

@testable import Planning

/// The random sequence against numpy's, draw by draw (rng_vectors.json).
struct GeneratorTests {
  @Test func everyVectorReplays() throws {
    let file = try JSONValue(try Fixtures.read("rng_vectors.json"))
    let vectors = try #require(file["vectors"]?.elements)
    #expect(vectors.count == 54)
    for vector in vectors {
      let seed = try #require(vector["seed"]?.text)
      let sequence = SeedSequence(words: Self.words(decimal: seed))
      #expect(sequence.pool.map { UInt64($0) } == vector["pool"]?.elements?.compactMap(\.hexadecimal), "seed \(seed)")
      #expect(sequence.stateWords.map(String.init) == vector["state_words"]?.elements?.compactMap(\.text))
      var generator = Generator(sequence)
      #expect("\(generator.state)" == vector["initial_state"]?.text)
      #expect("\(generator.increment)" == vector["inc"]?.text)
      for step in try #require(vector["steps"]?.elements) { try replay(step, &generator, "seed \(seed)") }
      #expect("\(generator.state)" == vector["final_state"]?.text, "seed \(seed)")
      #expect(generator.half.map { Int($0) } == vector["final_half"]?.integer, "seed \(seed)")
    }
  }

  @Test(arguments: [0, 1, 7, 8, 9, 1000, 12_345_678_901])
  func skippingEqualsDrawing(count: Int) {
    var skipped = Generator(seed: 9176)
    skipped.skip(count)
    var drawn = Generator(seed: 9176)
    if count < 10_000 {
      for _ in 0..<count { _ = drawn.next64() }
    } else {
      // Too many to draw: skipping must at least add up.
      drawn.skip(count - 12_345)
      for _ in 0..<12_345 { _ = drawn.next64() }
    }
    #expect(skipped.next64() == drawn.next64())
  }

  @Test func skippingKeepsTheBufferedHalf() {
    var generator = Generator(seed: 3)
    #expect(generator.integer(in: 0..<10) == 8)
    generator.skip(2)
    #expect(generator.integer(in: 0..<10) == 0)
  }

  private func replay(_ step: JSONValue, _ generator: inout Generator, _ seed: String) throws {
    let operation = try #require(step["op"]?.text)
    func number(_ name: String) throws -> Int { try #require(step[name]?.integer) }
    switch operation {
    case "raw64":
      check(step, (0..<(try number("count"))).map { _ in generator.next64() }, seed)
    case "random":
      check(step, (0..<(try number("count"))).map { _ in generator.nextDouble().bitPattern }, seed)
    case "shuffle_list", "shuffle_array", "permutation":
      var values = Array(0..<(try number("n")))
      generator.shuffle(&values)
      check(step, values.map { UInt64($0) }, seed)
    case "shuffle_slice":
      var values = Array(0..<(try number("n")))
      let (low, high) = (try number("lo"), try number("hi"))
      values.withUnsafeMutableBufferPointer { generator.shuffle(.init(rebasing: $0[low..<high])) }
      check(step, values.map { UInt64($0) }, seed)
    case "choice":
      check(step, generator.choice(try number("n"), try number("k")).map { UInt64($0) }, seed)
    case "integers":
      let low = try number("low")
      // Up to 2⁶³, which is no Int; planning never draws so widely, so the test draws below what the width leaves.
      let top = try #require(step["high"]?.word) &- 1 &- UInt64(bitPattern: Int64(low))
      let values = (0..<(step["size"]?.integer ?? 1)).map { _ in
        low &+ Int(truncatingIfNeeded: generator.multiplied(top))
      }
      check(step, values.map { UInt64(bitPattern: Int64($0)) }, seed)
    case "uniform":
      let low = try #require(step["low"]?.double)
      let width = try #require(step["high"]?.double) - low
      check(step, (0..<(try number("size"))).map { _ in (low + width * generator.nextDouble()).bitPattern }, seed)
    default: Issue.record("no such operation: \(operation)")
    }
  }

  /// Compares with a step's output, given whole or as count, head, tail and checksum.
  private func check(_ step: JSONValue, _ values: [UInt64], _ seed: String) {
    let place = "seed \(seed), \(step["op"]?.text ?? "")"
    if let bits = step["out_bits"]?.elements {
      #expect(values == bits.compactMap(\.hexadecimal), "\(place)")
    } else if let whole = step["out"]?.elements {
      #expect(values == whole.compactMap(\.word), "\(place)")
    } else if let single = step["out"]?.word {
      #expect(values == [single], "\(place)")
    } else {
      let summary = step["out"] ?? step
      #expect(values.count == summary["count"]?.integer, "\(place)")
      #expect(Array(values.prefix(12)) == summary["head"]?.elements?.compactMap(\.word), "\(place)")
      #expect(Array(values.suffix(4)) == summary["tail"]?.elements?.compactMap(\.word), "\(place)")
      let sum = values.enumerated().reduce(UInt64(0)) { $0 &+ UInt64($1.offset + 1) &* $1.element }
      #expect(sum == summary["checksum"]?.word, "\(place)")
    }
  }

  /// A decimal number of any size as 32-bit words, least significant first.
  private static func words(decimal: String) -> [UInt32] {
    var words: [UInt32] = [0]
    for digit in decimal.compactMap(\.wholeNumberValue) {
      var carry = UInt64(digit)
      for index in words.indices {
        carry += UInt64(words[index]) * 10
        words[index] = UInt32(truncatingIfNeeded: carry)
        carry >>= 32
      }
      if carry > 0 { words.append(UInt32(carry)) }
    }
    return words
  }
}
