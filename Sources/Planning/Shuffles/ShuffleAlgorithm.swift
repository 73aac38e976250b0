/// How an epoch's samples are shuffled: the table of algorithms. planning.md §7.
public enum ShuffleAlgorithm: String, AlgorithmName {
  /// Shards, then each sample within a range around its place (expanded).
  case py1e
  /// Shards, then blocks of samples of a random size.
  case py1br
  /// Shards, then the samples of each shard part.
  case py1s
  /// Shards and their samples once for the run, then again for each epoch.
  case py2s
  /// All samples at once, without regard to shards.
  case naive
  /// No shuffle, the same as `shuffle` off. Sluice's own: the reference refuses the name while it shuffles.
  case none

  /// The option's name.
  public static let option = "shuffle_algo"

  /// The epoch's samples in shuffled order.
  func order<ID: SampleNumber>(_ input: ShuffleInput<ID>) async throws(PlanningError) -> [ID] {
    switch self {
    case .py1e: try await Py1e.order(input)
    case .py1br: try Py1br.order(input)
    case .py1s: Py1s.order(input)
    case .py2s: Py2s.order(input)
    case .naive: Naive.order(input)
    case .none: input.units.samples
    }
  }
}

/// What a shuffle works on.
struct ShuffleInput<ID: SampleNumber>: Sendable {
  /// The shuffle units: whole shards or chosen parts of them.
  let units: ShuffleUnits<ID>
  let canonicalNodes: Int
  /// Seed of what is the same in every epoch.
  let runSeed: UInt64
  /// Seed of what differs from epoch to epoch.
  let epochSeed: UInt64
  /// Samples of a shuffle block.
  let block: Int
  /// Threads to use at most; the order does not depend on it.
  let threads: Int
}
