internal import CXXHash

// Seed 0 and big-endian (canonical) digests, as the reference writes them.

final class XXH32Digest: DigestState {
  private let state: OpaquePointer

  init() throws(CodecError) {
    guard let state = XXH32_createState() else { throw .outOfMemory(library: "xxHash") }
    self.state = state
    _ = XXH32_reset(state, 0)
  }

  deinit { _ = XXH32_freeState(state) }

  func update(_ start: UnsafeRawPointer, _ count: Int) { _ = XXH32_update(state, start, count) }

  func finish() -> [UInt8] { bigEndianBytes(XXH32_digest(state)) }
}

final class XXH64Digest: DigestState {
  private let state: OpaquePointer

  init() throws(CodecError) {
    guard let state = XXH64_createState() else { throw .outOfMemory(library: "xxHash") }
    self.state = state
    _ = XXH64_reset(state, 0)
  }

  deinit { _ = XXH64_freeState(state) }

  func update(_ start: UnsafeRawPointer, _ count: Int) { _ = XXH64_update(state, start, count) }

  func finish() -> [UInt8] { bigEndianBytes(XXH64_digest(state)) }
}

final class XXH3Digest: DigestState {
  enum Width { case bits64, bits128 }

  private let state: OpaquePointer
  private let width: Width

  init(_ width: Width) throws(CodecError) {
    guard let state = XXH3_createState() else { throw .outOfMemory(library: "xxHash") }
    self.state = state
    self.width = width
    switch width {
    case .bits64: _ = XXH3_64bits_reset(state)
    case .bits128: _ = XXH3_128bits_reset(state)
    }
  }

  deinit { _ = XXH3_freeState(state) }

  func update(_ start: UnsafeRawPointer, _ count: Int) {
    switch width {
    case .bits64: _ = XXH3_64bits_update(state, start, count)
    case .bits128: _ = XXH3_128bits_update(state, start, count)
    }
  }

  func finish() -> [UInt8] {
    switch width {
    case .bits64: return bigEndianBytes(XXH3_64bits_digest(state))
    case .bits128:
      let digest = XXH3_128bits_digest(state)
      return bigEndianBytes(digest.high64) + bigEndianBytes(digest.low64)
    }
  }
}

private func bigEndianBytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
  withUnsafeBytes(of: number.bigEndian) { Array($0) }
}

extension Digest {
  /// The 64-bit XXH3 checksum of `bytes`, for our own files: it finds damage, not malice.
  public static func xxh3(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    XXH3_64bits(bytes.baseAddress, bytes.count)
  }
}
