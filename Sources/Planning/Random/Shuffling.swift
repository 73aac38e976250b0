/// Fisher–Yates as numpy walks it: from the last index down, one masked draw each; rng.md §6.
extension Generator {
  /// Indices drawn before they are applied: the draws then run without waiting for memory, and the swaps without
  /// waiting for the draws.
  private static let batch = 256

  /// Shuffles a buffer in place.
  mutating func shuffle<Element>(_ buffer: UnsafeMutableBufferPointer<Element>) {
    guard buffer.count > 1, let base = buffer.baseAddress else { return }
    var index = buffer.count - 1
    while index > 0xffff_ffff {
      swapElements(base, index, Int(truncatingIfNeeded: masked(UInt64(index))))
      index -= 1
    }
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: Self.batch) { targets in
      guard let drawn = targets.baseAddress else { return }
      var top = UInt32(truncatingIfNeeded: index)
      while top > 0 {
        let first = Int(top)
        let count = draw(into: drawn, from: &top)
        for offset in 0..<count { swapElements(base, first - offset, Int(drawn[offset])) }
      }
    }
  }

  /// Shuffles an array in place.
  mutating func shuffle<Element>(_ array: inout [Element]) {
    array.withUnsafeMutableBufferPointer { shuffle($0) }
  }

  /// Draws targets for the indices from `top` down, as many as fit and share a mask.
  ///
  /// Rejections advance nothing instead of branching: about one draw in four is rejected, unpredictably.
  private mutating func draw(into drawn: UnsafeMutablePointer<UInt32>, from top: inout UInt32) -> Int {
    var generator = self
    var index = top
    let mask = UInt32.max >> UInt32(index.leadingZeroBitCount)
    let floor = mask >> 1
    var count = 0
    var half = generator.takeHalf()
    if let word = half {
      let value = word & mask
      drawn[count] = value
      let taken: UInt32 = value <= index ? 1 : 0
      count &+= Int(taken)
      index &-= taken
      half = nil
    }
    while index > floor, count < Self.batch - 1 {
      let word = generator.next64()
      let low = UInt32(truncatingIfNeeded: word) & mask
      drawn[count] = low
      let lowTaken: UInt32 = low <= index ? 1 : 0
      count &+= Int(lowTaken)
      index &-= lowTaken
      let upper = UInt32(truncatingIfNeeded: word >> 32)
      if index <= floor {
        half = upper
        break
      }
      let high = upper & mask
      drawn[count] = high
      let highTaken: UInt32 = high <= index ? 1 : 0
      count &+= Int(highTaken)
      index &-= highTaken
    }
    generator.restoreHalf(half)
    self = generator
    top = index
    return count
  }

  @inline(__always)
  private func swapElements<Element>(_ base: UnsafeMutablePointer<Element>, _ left: Int, _ right: Int) {
    let element = base[left]
    base[left] = base[right]
    base[right] = element
  }
}
