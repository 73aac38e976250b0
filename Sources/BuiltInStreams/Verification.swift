import Codecs
import DatasetModel
import LinuxSystem
import Synchronization

/// What a file must be before it counts as fetched: its length, and the digest that the index states.
public struct Verification: Sendable, Hashable {
  /// Algorithm and lower-case hexadecimal digest; nil when only the length is known.
  public let digest: [String: String]
  /// Exact length in bytes.
  public let bytes: Int

  /// Reads per digest step.
  private static let stepBytes = 1 << 20
  /// Fastest first, so that of several digests the cheapest is taken.
  private static let preference = [
    "xxh3_64", "xxh128", "xxh3_128", "xxh64", "xxh32", "sha1", "blake2b", "md5", "sha256", "blake2s", "sha512",
    "sha224",
    "sha384", "sha3_256", "sha3_224", "sha3_384", "sha3_512",
  ]

  /// - Parameter algorithm: the digest that must be there (`validate_hash`); nil takes the cheapest that the index has.
  /// - Throws: `VerificationError` when the index lacks `algorithm`.
  public init(of file: FileRecord, requiring algorithm: String? = nil) throws(VerificationError) {
    bytes = file.bytes
    if let algorithm {
      guard let digest = file.hashes[algorithm] else {
        throw .missing(algorithm: algorithm, known: file.hashes.keys.sorted())
      }
      self.digest = [algorithm: digest]
    } else {
      let known = Self.preference.first { file.hashes[$0] != nil }
      digest = known.flatMap { name in file.hashes[name].map { [name: $0] } } ?? [:]
    }
  }

  /// Only the length.
  public init(bytes: Int) {
    self.bytes = bytes
    digest = [:]
  }

  /// Checks the open file. Blocks: not for the cooperative pool.
  public func check(_ file: OwnedDescriptor) throws(VerificationError) {
    do {
      let length = try file.size()
      guard length >= bytes else { throw VerificationError.short(bytes: length, expected: bytes) }
      for (name, expected) in digest {
        var running = try Digest.named(name)
        var offset = 0
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.stepBytes, alignment: 64)
        defer { buffer.deallocate() }
        while offset < bytes {
          let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(Self.stepBytes, bytes - offset)])
          let count = try file.read(into: part, at: offset)
          guard count > 0 else { throw VerificationError.short(bytes: offset, expected: bytes) }
          running.update(UnsafeRawBufferPointer(rebasing: part[..<count]))
          offset += count
        }
        let found = running.finalize()
        guard found == expected.lowercased() else {
          throw VerificationError.differs(algorithm: name, found: found, expected: expected.lowercased())
        }
      }
    } catch let error as VerificationError {
      throw error
    } catch let error as SystemError {
      throw .unreadable(error)
    } catch {
      throw .unusable("\(error)")
    }
  }
}

/// Why a fetched file is not what the index promises.
public enum VerificationError: Error, Sendable, Hashable, CustomStringConvertible {
  case short(bytes: Int, expected: Int)
  case differs(algorithm: String, found: String, expected: String)
  /// The index states no digest of the algorithm that is required.
  case missing(algorithm: String, known: [String])
  case unreadable(SystemError)
  /// The digest's name or library does not serve.
  case unusable(String)

  public var description: String {
    switch self {
    case .short(let bytes, let expected): "\(bytes) bytes arrived, the index says \(expected)"
    case .differs(let algorithm, let found, let expected):
      "\(algorithm) is \(found), the index says \(expected)"
    case .missing(let algorithm, let known):
      "the index has no \(algorithm) digest, which validate_hash wants; "
        + (known.isEmpty ? "it has none" : "it has \(known.joined(separator: ", "))")
    case .unreadable(let error): "the file cannot be read back: \(error)"
    case .unusable(let reason): reason
    }
  }
}
