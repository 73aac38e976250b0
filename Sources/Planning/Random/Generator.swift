/// The random sequence that every order comes from: numpy's `default_rng`, bit for bit.
///
/// PCG64 (XSL-RR 128/64) with a buffered half word; rng.md §2–§4. A value: a copy continues the same sequence on its own.
struct Generator: Sendable {
  // Computed, so that inner loops see constants and not a lazily made global.
  @inline(__always)
  private static var multiplier: UInt128 { 0x2360_ed05_1fc6_5da4_4385_df64_9fcc_f645 }

  private(set) var state: UInt128
  let increment: UInt128
  /// The upper half of the last word drawn for 32 bits, until the next such draw takes it.
  private(set) var half: UInt32?

  init(seed: UInt64) { self.init(SeedSequence(seed)) }

  init(_ sequence: SeedSequence) {
    let words = sequence.stateWords
    let initial = UInt128(words[0]) << 64 | UInt128(words[1])
    increment = (UInt128(words[2]) << 64 | UInt128(words[3])) << 1 | 1
    state = (increment &+ initial) &* Self.multiplier &+ increment
  }

  @inline(__always)
  mutating func next64() -> UInt64 {
    state = state &* Self.multiplier &+ increment
    let folded = UInt64(truncatingIfNeeded: state >> 64) ^ UInt64(truncatingIfNeeded: state)
    let rotation = UInt64(truncatingIfNeeded: state >> 122)
    return folded &>> rotation | folded &<< (0 &- rotation)
  }

  @inline(__always)
  mutating func next32() -> UInt32 {
    if let buffered = half {
      half = nil
      return buffered
    }
    let word = next64()
    half = UInt32(truncatingIfNeeded: word >> 32)
    return UInt32(truncatingIfNeeded: word)
  }

  /// Uniform in [0, 1), 53 bits.
  @inline(__always)
  mutating func nextDouble() -> Double { Double(next64() >> 11) * 0x1p-53 }

  /// Takes the half word out, so that a loop can keep it in a register.
  @inline(__always)
  mutating func takeHalf() -> UInt32? {
    defer { half = nil }
    return half
  }

  /// Puts back a half word that a loop did not use up.
  @inline(__always)
  mutating func restoreHalf(_ value: UInt32?) { half = value }

  /// Skips `count` words of 64 bits in a time that grows with the logarithm of `count`.
  mutating func skip(_ count: Int) {
    var remaining = UInt64(count)
    if remaining < 8 {
      for _ in 0..<remaining { state = state &* Self.multiplier &+ increment }
      return
    }
    var factor: UInt128 = 1
    var offset: UInt128 = 0
    var stepFactor = Self.multiplier
    var stepOffset = increment
    while remaining > 0 {
      if remaining & 1 == 1 {
        factor = factor &* stepFactor
        offset = offset &* stepFactor &+ stepOffset
      }
      stepOffset = (stepFactor &+ 1) &* stepOffset
      stepFactor = stepFactor &* stepFactor
      remaining >>= 1
    }
    state = state &* factor &+ offset
  }
}
