import Codecs
import DatasetModel
import LinuxSystem

/// What a file must be before it counts as fetched: its length, and a digest that the index states.
public struct Verification: Sendable, Hashable {
  /// The digest that must come out; nil when only the length is checked.
  public let digest: FileDigest?
  /// Exact length in bytes.
  public let bytes: Int

  /// Reads per digest step.
  private static let stepBytes = 1 << 20

  /// - Parameter algorithm: the digest to check, by its name in an index; nil checks the length alone.
  /// - Throws: `VerificationError.missing` when the index states no such digest of the file.
  public init(of file: FileRecord, by algorithm: String?) throws(VerificationError) {
    bytes = file.bytes
    guard let algorithm else {
      digest = nil
      return
    }
    guard let expected = file.hashes[algorithm] else {
      throw .missing(algorithm: algorithm, known: file.hashes.keys.sorted())
    }
    digest = FileDigest(algorithm: algorithm, hexadecimal: expected.lowercased())
  }

  /// Checks the open file. Blocks: not for the cooperative pool.
  ///
  /// - Parameter found: the digest of all its bytes, when they were hashed as they arrived; nil reads them back.
  public func check(_ file: OwnedDescriptor, found: String? = nil) throws(VerificationError) {
    do {
      let length = try file.size()
      guard length >= bytes else { throw VerificationError.short(bytes: length, expected: bytes) }
      guard let digest else { return }
      let found = try found ?? read(file, digest.algorithm)
      guard found == digest.hexadecimal else {
        throw VerificationError.differs(
          algorithm: digest.algorithm, found: found, expected: digest.hexadecimal)
      }
    } catch let error as VerificationError {
      throw error
    } catch let error as SystemError {
      throw .unreadable(error)
    } catch {
      throw .unusable("\(error)")
    }
  }

  /// The digest of the file as it lies there.
  private func read(_ file: OwnedDescriptor, _ algorithm: String) throws -> String {
    var running = try Digest.named(algorithm)
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
    return running.finalize()
  }
}

/// A digest as an index states it.
public struct FileDigest: Sendable, Hashable {
  /// The algorithm's name in an index.
  public let algorithm: String
  /// Lower-case hexadecimal.
  public let hexadecimal: String
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
