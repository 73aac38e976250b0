/// What can go wrong with compressed bytes, digests and their names.
public enum CodecError: Error, Hashable, Sendable {
  /// No digest has this name.
  case unknownDigest(name: String)
  /// The digest exists, but this machine's OpenSSL refuses it (a FIPS policy, for example).
  case digestUnavailable(DigestAlgorithm)
  /// Not a compression as the reference writes it: `family` or `family:level`.
  case unknownCompression(text: String)
  /// The family exists, but not at this level.
  case unknownLevel(family: CompressionFamily, level: String)
  /// The compressed bytes break their format.
  case corrupt(CompressionFamily, detail: String)
  /// The compressed bytes hold more than the promised raw size: a bomb, or the wrong file.
  case longerThanPromised(CompressionFamily, promised: Int)
  /// The compressed bytes end well-formed, but before the promised raw size.
  case shorterThanPromised(CompressionFamily, promised: Int, found: Int)
  /// The compressed bytes stop in the middle.
  case truncated(CompressionFamily, decoded: Int)
  /// Bytes follow the end of the compressed data.
  case trailingBytes(CompressionFamily)
  /// More bytes than the format can carry in one file.
  case tooLargeToCompress(CompressionFamily, bytes: Int, limit: Int)
  /// The library could not get memory for its state.
  case outOfMemory(library: String)
}

extension CodecError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .unknownDigest(let name):
      "unknown hash algorithm \"\(name)\"; known are \(Digest.knownNames.joined(separator: ", "))"
    case .digestUnavailable(let algorithm):
      "the hash algorithm \(algorithm.rawValue) is switched off in this machine's OpenSSL"
    case .unknownCompression(let text):
      "unknown compression \"\(text)\"; known are \(Compression.forms.joined(separator: ", "))"
    case .unknownLevel(let family, let level):
      "compression \(family.rawValue) has no level \"\(level)\"; " + family.levelsInWords
    case .corrupt(let family, let detail):
      "the \(family.rawValue) data is corrupt: \(detail)"
    case .longerThanPromised(let family, let promised):
      "the \(family.rawValue) data decompresses to more than the \(promised) bytes promised"
    case .shorterThanPromised(let family, let promised, let found):
      "the \(family.rawValue) data decompresses to \(found) bytes where \(promised) are promised"
    case .truncated(let family, let decoded):
      "the \(family.rawValue) data is cut off after \(decoded) decompressed bytes"
    case .trailingBytes(let family):
      "bytes follow the end of the \(family.rawValue) data"
    case .tooLargeToCompress(let family, let bytes, let limit):
      "\(bytes) bytes are more than \(family.rawValue) can hold in one file (\(limit))"
    case .outOfMemory(let library):
      "no memory for \(library)'s state"
    }
  }
}

/// A failure of coding, or of the reading and writing around it.
public enum CodingFailure<IOFailure: Error>: Error {
  /// The bytes are at fault.
  case codec(CodecError)
  /// The caller's `read` or `write` threw.
  case io(IOFailure)
}

extension CodingFailure: CustomStringConvertible {
  public var description: String {
    switch self {
    case .codec(let error): error.description
    case .io(let error): "\(error)"
    }
  }
}
