/// Spreads a seed over the 256 bits that start a generator.
///
/// Source: numpy's `SeedSequence` with a pool of four words and no spawn key; rng.md §1.
struct SeedSequence {
  /// The four mixed 32-bit words.
  let pool: [UInt32]

  /// - Parameter words: the seed as 32-bit words, least significant first; at least one (0 is `[0]`).
  init(words: [UInt32]) {
    var key: UInt32 = 0x43b0_d7e5
    func absorb(_ word: UInt32) -> UInt32 {
      var value = word ^ key
      key &*= 0x931e_8875
      value &*= key
      return value ^ (value >> 16)
    }
    var pool = (0..<4).map { absorb($0 < words.count ? words[$0] : 0) }
    for source in 0..<4 {
      for target in 0..<4 where target != source {
        pool[target] = Self.blend(pool[target], absorb(pool[source]))
      }
    }
    for word in words.dropFirst(4) {
      for target in 0..<4 {
        pool[target] = Self.blend(pool[target], absorb(word))
      }
    }
    self.pool = pool
  }

  init(_ seed: UInt64) {
    let high = UInt32(truncatingIfNeeded: seed >> 32)
    let low = UInt32(truncatingIfNeeded: seed)
    self.init(words: high == 0 ? [low] : [low, high])
  }

  /// The first four 64-bit words of output.
  var stateWords: [UInt64] {
    var key: UInt32 = 0x8b51_f9dd
    let halves = (0..<8).map { index -> UInt64 in
      var value = pool[index % 4] ^ key
      key &*= 0x58f3_8ded
      value &*= key
      return UInt64(value ^ (value >> 16))
    }
    return (0..<4).map { halves[2 * $0] | halves[2 * $0 + 1] << 32 }
  }

  private static func blend(_ left: UInt32, _ right: UInt32) -> UInt32 {
    let value = 0xca01_f9dd &* left &- 0x4973_f715 &* right
    return value ^ (value >> 16)
  }
}
