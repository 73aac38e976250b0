import DatasetModel

/// A shard that does not hold what its index promises: which one, where, and why. The rest of its stream is unharmed.
public struct ShardError: Error, Hashable, Sendable {
  public let stream: StreamName
  /// Position in the stream's manifest.
  public let shard: Int
  /// The file at fault.
  public let basename: String
  /// The part of the file: `samples`, `offsets[7]`.
  public let field: String
  public let fault: ShardFault

  public init(stream: StreamName, shard: Int, basename: String, field: String, fault: ShardFault) {
    self.stream = stream
    self.shard = shard
    self.basename = basename
    self.field = field
    self.fault = fault
  }
}

extension ShardError: CustomStringConvertible {
  public var description: String {
    "stream \"\(stream)\", shard \(shard) (\(basename)), \(field): \(fault)"
  }
}

/// What is wrong with a shard's file (formats.md §2, §5).
public enum ShardFault: Error, Hashable, Sendable {
  case wrongSize(bytes: Int, promised: Int)
  /// Too short for its own offsets.
  case headCutOff(bytes: Int, needed: Int)
  case wrongSampleCount(found: Int, promised: Int)
  /// The first sample would begin inside the offsets.
  case startsInsideHead(offset: Int, head: Int)
  /// An offset is before the one in front of it.
  case runsBackwards(offset: Int, previous: Int)
  case emptySample
  /// The last sample does not end where the file does.
  case wrongEnd(offset: Int, bytes: Int)
}

extension ShardFault: CustomStringConvertible {
  public var description: String {
    switch self {
    case .wrongSize(let bytes, let promised): "the file has \(bytes) bytes where the index promises \(promised)"
    case .headCutOff(let bytes, let needed): "\(bytes) bytes are too few; the offsets alone need \(needed)"
    case .wrongSampleCount(let found, let promised): "the file has \(found) where the index promises \(promised)"
    case .startsInsideHead(let offset, let head): "\(offset) lies inside the file's head of \(head) bytes"
    case .runsBackwards(let offset, let previous): "\(offset) is before the previous offset, \(previous)"
    case .emptySample: "the sample is empty"
    case .wrongEnd(let offset, let bytes): "the samples end at \(offset), the file at \(bytes)"
    }
  }
}
