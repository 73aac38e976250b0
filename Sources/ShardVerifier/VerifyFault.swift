import Codecs
import DatasetModel
import LinuxSystem
import ShardFormats

/// One thing that is wrong with a stream.
public enum VerifyFault: Error, Sendable, CustomStringConvertible {
  /// A record of an index, or an index as a whole.
  case index(IndexError)
  /// A file as a whole.
  case file(FilePlace, FileFault)
  /// A shard's offsets.
  case offsets(ShardError)
  /// One sample.
  case sample(FilePlace, sample: Int, SampleFault)
  /// A shard had more faulty samples than are listed.
  case more(FilePlace, faults: Int)

  public var description: String {
    switch self {
    case .index(let error): error.description
    case .file(let place, let fault): "\(place): \(fault)"
    case .offsets(let error): error.description
    case .sample(let place, let sample, let fault): "\(place), sample \(sample): \(fault)"
    case .more(let place, let faults): "\(place): \(faults) more faulty samples"
    }
  }
}

/// A file of a stream.
public struct FilePlace: Sendable, Hashable, CustomStringConvertible {
  public let stream: StreamName
  /// Position among the good records.
  public let shard: Int
  public let basename: String

  public var description: String { "stream \"\(stream)\", shard \(shard) (\(basename))" }
}

/// What is wrong with a file as a whole.
public enum FileFault: Error, Sendable, Hashable, CustomStringConvertible {
  case missing
  case unreadable(SystemError)
  /// The remote did not deliver it.
  case unfetched(String)
  case wrongSize(bytes: Int, promised: Int)
  case wrongDigest(algorithm: String, found: String, promised: String)
  /// The index states a digest that nobody can compute.
  case unknownDigest(algorithm: String)
  /// The stream's configuration wants a digest (`validate_hash`) that the index does not state.
  case missingDigest(algorithm: String)
  case undecodable(CodecError)
  /// The first line of a CSV, TSV or XSV file is not the columns' names.
  case wrongHeader(found: String)

  public var description: String {
    switch self {
    case .missing: "the file is missing"
    case .unreadable(let error): error.description
    case .unfetched(let reason): "could not be fetched: \(reason)"
    case .wrongSize(let bytes, let promised): "the file has \(bytes) bytes where the index promises \(promised)"
    case .wrongDigest(let algorithm, let found, let promised):
      "\(algorithm) is \(found) where the index promises \(promised)"
    case .unknownDigest(let algorithm): "the index states \(algorithm), which is no known hash algorithm"
    case .missingDigest(let algorithm):
      "the index states no \(algorithm), which the stream's validate_hash asks for"
    case .undecodable(let error): error.description
    case .wrongHeader(let found): "the header line is \(found.prefix(80).debugDescription), not the columns' names"
    }
  }
}
