/// A digest that is fed as bytes arrive, in constant memory.
///
/// Sendable although the C states behind it are not: the value cannot be copied, so whoever holds it is alone with its
/// state, and neither OpenSSL nor xxHash ties a state to a thread.
public struct IncrementalDigest: ~Copyable, @unchecked Sendable {
  public let algorithm: DigestAlgorithm
  private let state: any DigestState

  /// Starts a digest of no bytes.
  public init(_ algorithm: DigestAlgorithm) throws(CodecError) {
    self.algorithm = algorithm
    state = try makeState(algorithm)
  }

  /// Adds `bytes`.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    state.update(start, bytes.count)
  }

  /// Adds `bytes`.
  public mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { update($0) }
  }

  /// The digest as lower-case hexadecimal, the form in which an index states it. xxHash digests are big-endian.
  public consuming func finalize() -> String { Hexadecimal.encode(state.finish()) }

  /// The digest's bytes.
  public consuming func finalizeBytes() -> [UInt8] { state.finish() }
}

/// Several digests of the same bytes, as a writer with more than one hash algorithm needs them.
///
/// Sendable for the reason `IncrementalDigest` is.
public struct DigestSet: ~Copyable, @unchecked Sendable {
  private let states: [(name: String, state: any DigestState)]

  /// Starts a digest for each of `names`.
  public init(named names: [String]) throws(CodecError) {
    var states: [(name: String, state: any DigestState)] = []
    for name in names {
      guard let algorithm = DigestAlgorithm(rawValue: name) else { throw .unknownDigest(name: name) }
      states.append((name, try makeState(algorithm)))
    }
    self.states = states
  }

  /// Adds `bytes` to every digest.
  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    guard let start = bytes.baseAddress, bytes.count > 0 else { return }
    for (_, state) in states { state.update(start, bytes.count) }
  }

  /// The lower-case hexadecimal digests by name.
  public consuming func finalize() -> [String: String] {
    var digests: [String: String] = [:]
    for (name, state) in states { digests[name] = Hexadecimal.encode(state.finish()) }
    return digests
  }
}

/// One library's running digest. Used by one owner at a time; `finish` ends it.
protocol DigestState: AnyObject {
  func update(_ start: UnsafeRawPointer, _ count: Int)
  func finish() -> [UInt8]
}

private func makeState(_ algorithm: DigestAlgorithm) throws(CodecError) -> any DigestState {
  switch algorithm {
  case .xxh32: try XXH32Digest()
  case .xxh64: try XXH64Digest()
  case .xxh3Bits64: try XXH3Digest(.bits64)
  case .xxh128, .xxh3Bits128: try XXH3Digest(.bits128)
  default: try OpenSSLDigest(algorithm)
  }
}
