import DatasetModel
import StreamRegistry

extension DatasetSpecification {
  /// Reads the options beside the streams' shares, and checks them together.
  static func read(_ shares: [PlacedShare], from reader: inout ConfigurationReader) -> DatasetSpecification {
    var specification = DatasetSpecification(streams: shares.map(\.share))
    specification.readOptions(from: &reader)
    // A dataset that names no stream, or a stream that is no name, was reported already.
    guard shares.allSatisfy(\.isNamed) else { return specification }
    for problem in specification.weightProblems() {
      if let position = problem.stream {
        var share = shares[position].reader
        let before = share.problems.count
        share.report(problem.key, problem.message)
        reader.absorb(Array(share.problems.dropFirst(before)))
      } else {
        reader.report(problem.key, problem.message)
      }
    }
    return specification
  }

  /// Reads every option under the reference's name; those that are absent keep their value. planning.md §2.
  mutating func readOptions(from reader: inout ConfigurationReader) {
    let size = EpochSize.read("epoch_size", from: &reader)
    if let size { options.epochSize = size == 0 ? nil : size }
    options.batchSize = reader.integer("batch_size", in: 1...DatasetLimits.batchSize, default: options.batchSize)
    options.shuffle = reader.boolean("shuffle", default: options.shuffle)
    options.shuffleAlgorithm = reader.choice("shuffle_algo", of: Names.shuffles) ?? options.shuffleAlgorithm
    options.shuffleSeed = reader.integer("shuffle_seed", in: 0...Int.max, default: options.shuffleSeed)
    options.shuffleBlockSize = reader.integer("shuffle_block_size", in: 1...Int.max) ?? options.shuffleBlockSize
    options.samplingMethod = reader.choice("sampling_method", of: Names.samplings) ?? options.samplingMethod
    options.samplingGranularity = reader.integer(
      "sampling_granularity", in: 1...Int.max, default: options.samplingGranularity)
    options.partitionAlgorithm = reader.choice("partition_algo", of: Names.partitions) ?? options.partitionAlgorithm
    options.batchingMethod = reader.choice("batching_method", of: Names.batchings) ?? options.batchingMethod
    if let nodes = reader.integer("num_canonical_nodes", in: 0...DatasetLimits.canonicalNodes) {
      options.canonicalNodes = nodes == 0 ? nil : nodes
    }
    options.replication = reader.integer("replication", in: 1...DatasetLimits.replication) ?? options.replication
    predownload = reader.integer("predownload", in: 0...Int.max) ?? predownload
  }

  /// The names that the reference knows.
  enum Names {
    static let shuffles = ["py1e", "py1br", "py1s", "py2s", "naive", "none"]
    static let samplings = ["balanced", "fixed"]
    static let partitions = ["relaxed", "orig"]
    static let batchings = ["random", "stratified", "per_stream", "device_per_stream"]
  }
}

/// Bounds on a dataset's numbers: what the protocol's fields and a plan's memory can carry.
enum DatasetLimits {
  static let batchSize = 1 << 24
  static let canonicalNodes = 1 << 20
  static let replication = 1 << 20
}

/// `epoch_size`: a number, or text with a suffix.
public enum EpochSize {
  /// Samples meant by `text`: a whole number, or a decimal with `k`, `m`, `b` or `t` (10³, 10⁶, 10⁹, 10¹²) in either
  /// case, blanks around it allowed. nil when it is not such a number or does not fit. planning.md §2.
  public static func parse(_ text: String) -> Int? {
    let trimmed = trimmed(text).lowercased()
    guard let last = trimmed.last else { return nil }
    let scales: [Character: Double] = ["k": 1e3, "m": 1e6, "b": 1e9, "t": 1e12]
    guard let scale = scales[last] else {
      return trimmed.utf8.allSatisfy({ (0x30...0x39).contains($0) }) ? Int(trimmed) : nil
    }
    let number = EpochSize.trimmed(String(trimmed.dropLast()))
    guard !number.isEmpty, number.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2e }),
      let value = Double(number)
    else { return nil }
    return Int(exactly: (value * scale).rounded(.towardZero))
  }

  static func read(_ key: String, from reader: inout ConfigurationReader) -> Int? {
    guard let value = reader.value(key) else { return nil }
    let size: Int? =
      switch value.content {
      case .integer(let whole): whole
      case .number(let real): Int(exactly: real.rounded(.towardZero))
      case .text(let text): parse(text)
      default: nil
      }
    guard let size, size >= 0 else {
      reader.report(key, "must be a number of samples of at least 0 (100000, 1.5k, 2m); 0 for what the streams give")
      return nil
    }
    return size
  }

  private static func trimmed(_ text: String) -> String {
    let front = text.drop { $0.isWhitespace }
    return String(front.reversed().drop { $0.isWhitespace }.reversed())
  }
}
