/// Draws from a closed range, each with the reference's way of rejecting; rng.md §5 and §6.
extension Generator {
  /// Uniform in 0…top by masking and rejecting. Only shuffles draw this way.
  @inline(__always)
  mutating func masked(_ top: UInt64) -> UInt64 {
    if top == 0 { return 0 }
    let mask = UInt64.max >> UInt64(top.leadingZeroBitCount)
    if top <= 0xffff_ffff {
      while true {
        let value = UInt64(next32()) & mask
        if value <= top { return value }
      }
    }
    while true {
      let value = next64() & mask
      if value <= top { return value }
    }
  }

  /// Uniform in 0…top by multiplying and rejecting (Lemire). `integers` and `choice` draw this way.
  @inline(__always)
  mutating func multiplied(_ top: UInt64) -> UInt64 {
    if top == 0 { return 0 }
    if top < 0xffff_ffff {
      let width = UInt32(truncatingIfNeeded: top) + 1
      var product = next32().multipliedFullWidth(by: width)
      if product.low < width {
        let threshold = (0 &- width) % width
        while product.low < threshold { product = next32().multipliedFullWidth(by: width) }
      }
      return UInt64(product.high)
    }
    if top == 0xffff_ffff { return UInt64(next32()) }
    if top == .max { return next64() }
    let width = top + 1
    var product = next64().multipliedFullWidth(by: width)
    if product.low < width {
      let threshold = (0 &- width) % width
      while product.low < threshold { product = next64().multipliedFullWidth(by: width) }
    }
    return product.high
  }

  /// Uniform in low..<high. The range must not be empty.
  mutating func integer(in range: Range<Int>) -> Int {
    precondition(!range.isEmpty, "an empty range has no integer to draw")
    let top = UInt64(bitPattern: Int64(range.upperBound &- 1 &- range.lowerBound))
    return range.lowerBound &+ Int(truncatingIfNeeded: multiplied(top))
  }

  /// `count` of the integers 0..<population, without replacement, in the order in which the reference returns them.
  mutating func choice(_ population: Int, _ count: Int) -> [Int] {
    precondition(count >= 0 && count <= population, "a choice cannot be larger than its population")
    if count == 0 { return [] }
    if Self.choosesFromTail(population, count) { return Array(tail(population, count)) }
    var chosen: [Int] = []
    chosen.reserveCapacity(count)
    _ = members(population, count) { chosen.append($0) }
    shuffleByMultiplying(&chosen, downTo: 1)
    return chosen
  }

  /// Calls `body` with `count` of the integers 0..<population, without replacement, ascending.
  ///
  /// The same draws as `choice`, whose own order is lost: partial shards are sorted.
  mutating func sortedChoice(_ population: Int, _ count: Int, _ body: (Int) -> Void) {
    precondition(count >= 0 && count <= population, "a choice cannot be larger than its population")
    if count == 0 { return }
    if Self.choosesFromTail(population, count) {
      var members = IntegerSet(below: population, expecting: count)
      for member in tail(population, count) { members.insert(member) }
      members.visit(body)
      return
    }
    let members = members(population, count) { _ in }
    var generator = self
    for index in stride(from: count - 1, through: 1, by: -1) { _ = generator.multiplied(UInt64(index)) }
    self = generator
    members.visit(body)
  }

  private static func choosesFromTail(_ population: Int, _ count: Int) -> Bool {
    population > 10_000 && count > population / 50
  }

  private mutating func tail(_ population: Int, _ count: Int) -> ArraySlice<Int> {
    var all = Array(0..<population)
    shuffleByMultiplying(&all, downTo: max(population - count, 1))
    return all[(population - count)...]
  }

  /// Floyd's sample: calls `body` with each member as it is found, and returns the set of them.
  private mutating func members(_ population: Int, _ count: Int, _ body: (Int) -> Void) -> IntegerSet {
    var generator = self
    var members = IntegerSet(below: population, expecting: count)
    for last in (population - count)..<population {
      var value = Int(truncatingIfNeeded: generator.multiplied(UInt64(last)))
      if !members.insert(value) {
        value = last
        members.insert(value)
      }
      body(value)
    }
    self = generator
    return members
  }

  private mutating func shuffleByMultiplying(_ values: inout [Int], downTo first: Int) {
    var generator = self
    values.withUnsafeMutableBufferPointer { values in
      for index in stride(from: values.count - 1, through: first, by: -1) {
        values.swapAt(index, Int(truncatingIfNeeded: generator.multiplied(UInt64(index))))
      }
    }
    self = generator
  }
}
