/// The bounds within which plans are made. Beyond them counts would overflow or no machine could hold the plan.
public enum PlanningLimits {
  /// Samples of all streams together, and samples of an epoch.
  public static let samples = 1 << 40
  /// Streams of a dataset.
  public static let streams = 1 << 20
  /// Ranks of a world (nodes × ranks per node), and workers of a rank.
  public static let ranks = 1 << 20
  /// Samples of a device batch; also of a global batch.
  public static let batchSamples = 1 << 31
  /// Canonical nodes.
  public static let canonicalNodes = 1 << 22
  /// Samples of a shuffle block.
  public static let shuffleBlockSize = 1 << 40
  /// Epochs, and seeds: both are added to seed one epoch's random sequence.
  public static let epoch = 1 << 40
}
