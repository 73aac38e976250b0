/// Random words by place: word n of a key is the same whoever asks for it, in whatever order.
///
/// Source: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014), whose n-th output
/// is its mixing function of the key plus n times its constant.
struct SyntheticNumbers: Sendable {
  private let key: UInt64

  /// The words of one column of one sample; column −1 is for the sample's size.
  init(seed: Int, sample: Int, column: Int) {
    let place = UInt64(truncatingIfNeeded: sample) &* 0xd134_2543_de82_ef95 &+ UInt64(truncatingIfNeeded: column)
    key = Self.mixed(Self.mixed(UInt64(truncatingIfNeeded: seed)) ^ Self.mixed(place))
  }

  subscript(word: Int) -> UInt64 {
    @inline(__always) get {
      Self.mixed(key &+ UInt64(truncatingIfNeeded: word &+ 1) &* 0x9e37_79b9_7f4a_7c15)
    }
  }

  /// A number of `0 ..< count`.
  func number(below count: Int) -> Int { Int(self[0].multipliedFullWidth(by: UInt64(count)).high) }

  @inline(__always)
  private static func mixed(_ word: UInt64) -> UInt64 {
    var word = word
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }

  /// Fills `buffer` with a value's bytes.
  func fill(_ buffer: UnsafeMutableRawBufferPointer, with content: SyntheticColumn.Content, position: Int) {
    switch content {
    case .position: buffer.storeBytes(of: Int64(position).littleEndian, as: Int64.self)
    case .bytes: fillWords(buffer) { $0 }
    case .letters: fillWords(buffer) { Self.letters($0) }
    case .reals(let width):
      switch width {
      // Exponents of [0.5, 1), with a random fraction.
      case 2: fillWords(buffer) { $0 & 0x03ff_03ff_03ff_03ff | 0x3800_3800_3800_3800 }
      case 4: fillWords(buffer) { $0 & 0x007f_ffff_007f_ffff | 0x3f00_0000_3f00_0000 }
      default: fillWords(buffer) { $0 & 0x000f_ffff_ffff_ffff | 0x3fe0_0000_0000_0000 }
      }
    }
  }

  /// Eight letters of eight bytes: 5 bits of each, as `a` to `z` and six blanks.
  private static func letters(_ word: UInt64) -> UInt64 {
    var text: UInt64 = 0
    for place in 0..<8 {
      let five = (word >> (UInt64(place) * 8)) & 31
      text |= (five < 26 ? 0x61 + five : 0x20) << (UInt64(place) * 8)
    }
    return text
  }

  @inline(__always)
  private func fillWords(_ buffer: UnsafeMutableRawBufferPointer, _ form: (UInt64) -> UInt64) {
    let whole = buffer.count / 8
    for word in 0..<whole {
      buffer.storeBytes(of: form(self[word]).littleEndian, toByteOffset: word * 8, as: UInt64.self)
    }
    guard buffer.count % 8 > 0 else { return }
    withUnsafeBytes(of: form(self[whole]).littleEndian) { last in
      for place in 0..<(buffer.count % 8) { buffer[whole * 8 + place] = last[place] }
    }
  }
}
