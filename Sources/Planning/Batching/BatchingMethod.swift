/// How the streams' samples are put into batches: the table of methods. planning.md §8.
public enum BatchingMethod: String, AlgorithmName {
  /// Batches of samples from all streams, drawn together.
  case random
  /// Each global batch holds the same share of every stream.
  case stratified
  /// Each global batch is of one stream.
  case perStream = "per_stream"
  /// Each device batch is of one stream.
  case devicePerStream = "device_per_stream"

  /// The option's name.
  public static let option = "batching_method"

  /// Makes the batches of a checked request.
  func batches<ID: SampleNumber>(_ work: PlanningWork, as: ID.Type) async throws(PlanningError) -> RankLists<ID> {
    switch self {
    case .random: try await RandomBatching.batches(work)
    case .stratified: try await StratifiedBatching.batches(work)
    case .perStream: try await PerStreamBatching.batches(work)
    case .devicePerStream: try await DevicePerStreamBatching.batches(work)
    }
  }
}
