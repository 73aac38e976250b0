/// A 64-bit checksum that notices accidents (bad disks, torn writes), at the speed of memory. Not a defence against intent.
///
/// Four lanes of 64-bit words, each folded in with a multiplication and a rotation; the version of the plan file fixes it.
struct PlanChecksum {
  private static let factors: (UInt64, UInt64, UInt64, UInt64) = (
    0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f, 0xff51_afd7_ed55_8ccd, 0xd6e8_feb8_6659_fd93
  )

  private var lanes: (UInt64, UInt64, UInt64, UInt64) = (1, 2, 3, 4)
  private var pending: [UInt8] = []
  private var count: UInt64 = 0

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    count += UInt64(bytes.count)
    var rest = bytes
    if !pending.isEmpty {
      let taken = min(32 - pending.count, rest.count)
      pending.append(contentsOf: rest[..<taken])
      rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
      if pending.count < 32 { return }
      pending.withUnsafeBytes { absorb($0) }
      pending.removeAll(keepingCapacity: true)
    }
    let whole = rest.count / 32 * 32
    absorb(UnsafeRawBufferPointer(rebasing: rest[..<whole]))
    pending.append(contentsOf: rest[whole...])
  }

  /// The checksum of all bytes so far.
  var value: UInt64 {
    var last = self
    if !pending.isEmpty {
      let padded = pending + [UInt8](repeating: 0, count: 32 - pending.count)
      padded.withUnsafeBytes { last.absorb($0) }
    }
    var sum = count
    for lane in [last.lanes.0, last.lanes.1, last.lanes.2, last.lanes.3] {
      sum = (sum ^ lane) &* Self.factors.0
      sum ^= sum >> 29
    }
    return sum
  }

  static func of(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    var checksum = PlanChecksum()
    checksum.update(bytes)
    return checksum.value
  }

  private mutating func absorb(_ bytes: UnsafeRawBufferPointer) {
    var (a, b, c, d) = lanes
    let (fa, fb, fc, fd) = Self.factors
    for offset in stride(from: 0, to: bytes.count, by: 32) {
      a = Self.fold(a, bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self), fa)
      b = Self.fold(b, bytes.loadUnaligned(fromByteOffset: offset + 8, as: UInt64.self), fb)
      c = Self.fold(c, bytes.loadUnaligned(fromByteOffset: offset + 16, as: UInt64.self), fc)
      d = Self.fold(d, bytes.loadUnaligned(fromByteOffset: offset + 24, as: UInt64.self), fd)
    }
    lanes = (a, b, c, d)
  }

  @inline(__always)
  private static func fold(_ lane: UInt64, _ word: UInt64, _ factor: UInt64) -> UInt64 {
    let mixed = (lane ^ UInt64(littleEndian: word)) &* factor
    return mixed &<< 31 | mixed &>> 33
  }
}
