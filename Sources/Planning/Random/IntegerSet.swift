/// A set of the integers below a bound: a bit each where that is small, otherwise a hash table.
struct IntegerSet {
  private var words: [UInt64]
  private var sparse: Set<Int> = []
  private let isDense: Bool

  /// An empty set of integers below `bound` that about `count` members are expected of.
  init(below bound: Int, expecting count: Int) {
    isDense = bound <= 1 << 20 || bound / 256 <= count
    words = isDense ? [UInt64](repeating: 0, count: (bound + 63) / 64) : []
    if !isDense { sparse.reserveCapacity(count) }
  }

  /// Adds a member; false if it was one already.
  @discardableResult
  mutating func insert(_ value: Int) -> Bool {
    guard isDense else { return sparse.insert(value).inserted }
    let bit = UInt64(1) << UInt64(value & 63)
    if words[value >> 6] & bit != 0 { return false }
    words[value >> 6] |= bit
    return true
  }

  /// Calls `body` with every member, ascending.
  func visit(_ body: (Int) -> Void) {
    for member in sparse.sorted() { body(member) }
    for (index, word) in words.enumerated() where word != 0 {
      var left = word
      while left != 0 {
        body(index << 6 + left.trailingZeroBitCount)
        left &= left - 1
      }
    }
  }
}
