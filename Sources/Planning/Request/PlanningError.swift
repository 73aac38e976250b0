/// Why no plan can be made. Descriptions name the option, its value and what would work.
public enum PlanningError: Error, Hashable, Sendable {
  /// An option names an algorithm that does not exist.
  case unknownName(option: String, value: String, known: [String])
  /// An option's value is outside what it may be.
  case invalid(option: String, value: String, allowed: String)
  /// A value is beyond one of `PlanningLimits`.
  case beyondLimit(what: String, value: String, limit: Int)
  /// The dataset has no streams.
  case noStreams
  /// A stream's shards hold no samples.
  case emptyStream(String)
  /// Some streams have a proportion and others do not.
  case mixedWeights(with: String, without: String)
  /// `epoch_size` beside streams weighted by repeat or choose.
  case epochSizeWithAbsoluteWeights(Int)
  /// All proportions are zero.
  case zeroProportions
  /// A stream, or the whole dataset, draws no sample under a method that needs one.
  case nothingDrawn(stream: String?, method: String)
  /// Canonical and physical nodes do not divide each other.
  case nodesDoNotDivide(canonical: Int, physical: Int, partition: String)
  /// `device_per_stream` needs canonical nodes divisible by physical ones.
  case canonicalNodesNotDivisible(canonical: Int, physical: Int)
  /// The devices that began the epoch do not divide today's global batch.
  case initialDevicesDoNotDivide(globalBatch: Int, initialDevices: Int)
  /// The checkpoint lies beyond the epoch's end.
  case resumeBeyondEnd(sample: Int, bound: Int)
  /// A stream's part of the shuffle block is zero.
  case blockPortionZero(stream: String, block: Int, proportion: Double)
  /// A stream's part of the global batch is zero.
  case batchPortionZero(stream: String, globalBatch: Int, proportion: Double)
  /// A stream does not fill one batch.
  case noFullBatch(stream: String, samples: Int, batch: Int, node: Int?)
  /// A canonical node has no sample to shuffle.
  case emptyCanonicalNode(samples: Int, canonical: Int)
  /// The shuffle block is too small to draw a size from.
  case blockTooSmall(algorithm: String, block: Int, least: Int)
  /// Too few samples to pad the rows of canonical nodes that several physical nodes share.
  case rowsTooShort(samples: Int, canonical: Int, physical: Int)
}

extension PlanningError: CustomStringConvertible {
  /// One sentence or two: what is wrong, and what would work.
  public var description: String {
    switch self {
    case .unknownName, .invalid, .beyondLimit, .noStreams, .emptyStream: return optionText
    case .mixedWeights, .epochSizeWithAbsoluteWeights, .zeroProportions, .nothingDrawn: return weightText
    case .nodesDoNotDivide, .canonicalNodesNotDivisible, .initialDevicesDoNotDivide, .resumeBeyondEnd, .rowsTooShort:
      return worldText
    case .blockPortionZero, .batchPortionZero, .noFullBatch, .emptyCanonicalNode, .blockTooSmall: return sizeText
    }
  }

  private var optionText: String {
    switch self {
    case .unknownName(let option, let value, let known):
      let hint = value.nearest(of: known).map { "; did you mean '\($0)'?" } ?? ""
      return "\(option) '\(value)' does not exist. Known: \(known.joined(separator: ", "))\(hint)"
    case .invalid(let option, let value, let allowed):
      return "\(option) is \(value), but must be \(allowed)"
    case .beyondLimit(let what, let value, let limit):
      return "\(what): \(value) is more than the limit of \(limit)"
    case .noStreams:
      return "the dataset has no streams; give it at least one"
    case .emptyStream(let stream):
      return "stream '\(stream)' holds no samples; remove it, or point it at an index.json whose shards hold some"
    default: return ""
    }
  }

  private var weightText: String {
    switch self {
    case .mixedWeights(let with, let without):
      return "stream '\(with)' has a proportion and stream '\(without)' has none; "
        + "give every stream a proportion, or none of them"
    case .epochSizeWithAbsoluteWeights(let size):
      return "epoch_size \(size) cannot be combined with repeat or choose, which already fix the epoch's size; "
        + "remove epoch_size, or give every stream a proportion"
    case .zeroProportions:
      return "the proportions of all streams are zero; at least one must be positive"
    case .nothingDrawn(let stream?, let method):
      return "stream '\(stream)' draws no sample in an epoch, which batching_method '\(method)' cannot serve; "
        + "remove the stream or raise its weight or epoch_size (batching_method 'random' allows it)"
    case .nothingDrawn(nil, _):
      return "no stream draws a sample in an epoch; raise a stream's weight or epoch_size"
    default: return ""
    }
  }

  private var worldText: String {
    switch self {
    case .nodesDoNotDivide(let canonical, let physical, let partition):
      return "num_canonical_nodes \(canonical) and \(physical) physical nodes do not divide each other "
        + "(partition_algo '\(partition)'); use a num_canonical_nodes that is a multiple or a divisor of \(physical)"
    case .canonicalNodesNotDivisible(let canonical, let physical):
      return "batching_method 'device_per_stream' needs a num_canonical_nodes that is a multiple of the "
        + "\(physical) physical nodes, and it is \(canonical)"
    case .initialDevicesDoNotDivide(let batch, let devices):
      return "the global batch of \(batch) is not a multiple of the \(devices) devices that began the epoch; "
        + "continue it with a batch_size that makes the global batch a multiple of \(devices)"
    case .resumeBeyondEnd(let sample, let bound):
      return "sample_in_epoch \(sample) lies beyond the epoch's end, at most \(bound) can be resumed from; "
        + "the epoch is complete: resume at sample 0 of the next epoch"
    case .rowsTooShort(let samples, let canonical, let physical):
      return "\(samples) samples are too few to spread num_canonical_nodes \(canonical) over \(physical) nodes; "
        + "use num_canonical_nodes \(physical) or a larger epoch"
    default: return ""
    }
  }

  private var sizeText: String {
    switch self {
    case .blockPortionZero(let stream, let block, let proportion):
      return "stream '\(stream)' with proportion \(proportion) gets none of shuffle_block_size \(block); "
        + "use a shuffle_block_size of at least \(Self.needed(proportion)), or raise its proportion"
    case .batchPortionZero(let stream, let batch, let proportion):
      return "stream '\(stream)' with proportion \(proportion) gets no sample of a global batch of \(batch); "
        + "use a global batch of at least \(Self.needed(proportion)), or raise its proportion"
    case .noFullBatch(let stream, let samples, let batch, let node):
      let place = node.map { " on node \($0)" } ?? ""
      return "stream '\(stream)' draws \(samples) samples\(place), less than one batch of \(batch); "
        + "raise its weight or epoch_size, or lower batch_size"
    case .emptyCanonicalNode(let samples, let canonical):
      return "\(samples) samples leave some of num_canonical_nodes \(canonical) without any, which shuffle_algo "
        + "'py1e' refuses; use a num_canonical_nodes of at most \(samples)"
    case .blockTooSmall(let algorithm, let block, let least):
      return "shuffle_algo '\(algorithm)' cannot draw block sizes around \(block) (shuffle_block_size, or a stream's "
        + "part of it); it must be at least \(least)"
    default: return ""
    }
  }

  private static func needed(_ proportion: Double) -> String {
    let least = (1 / proportion).rounded(.up)
    return proportion > 0 && least < 1e15 ? "\(Int(least))" : "1 / proportion"
  }
}
