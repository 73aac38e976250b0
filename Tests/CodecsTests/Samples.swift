/// A small deterministic generator (SplitMix64), so that a failing case can be made again from its seed.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}

/// Bytes of a kind that stresses one side of a codec.
enum Sample: CaseIterable {
  case empty, oneByte, zeros, noise, text, farRepeat

  var bytes: [UInt8] {
    var generator = SeededGenerator(seed: 7)
    switch self {
    case .empty: return []
    case .oneByte: return [42]
    case .zeros: return [UInt8](repeating: 0, count: 3_000_000)
    case .noise: return (0..<900_001).map { _ in UInt8.random(in: 0...255, using: &generator) }
    case .text:
      let words = ["stream", "shard", "sample", "epoch", "rank", "worker", "plan", "lease", "\n"]
      return (0..<120_000).flatMap { _ in Array(words.randomElement(using: &generator)?.utf8 ?? "".utf8) }
    case .farRepeat:
      let block = (0..<300_000).map { _ in UInt8.random(in: 0...255, using: &generator) }
      return block + block + block.prefix(1000)
    }
  }
}
