/// Something about a plan that the reference does silently and that can hurt: what happens, and what to change.
public struct PlanningWarning: Hashable, Sendable, CustomStringConvertible {
  /// Which of the reference's habits it is.
  public enum Kind: String, Hashable, Sendable, CaseIterable {
    /// Samples drawn for the epoch are in no batch.
    case samplesDropped = "samples_dropped"
    /// Some samples are delivered more than once beyond what the weights ask.
    case samplesRepeated = "samples_repeated"
    /// The epoch has no batch at all.
    case emptyEpoch = "empty_epoch"
    /// Ranks get different numbers of batches.
    case unequalRanks = "unequal_ranks"
    /// Batches cut for one node are read by another.
    case batchesOnOtherNode = "batches_on_other_node"
    /// The resume point was rounded down.
    case resumeRounded = "resume_rounded"
    /// The checkpoint is of an earlier epoch and was ignored.
    case staleCheckpoint = "stale_checkpoint"
    /// A checkpoint taken at this epoch's end cannot be resumed from.
    case endCheckpointRefused = "end_checkpoint_refused"
    /// A checkpoint set an option to another value than the dataset's.
    case checkpointOverrides = "checkpoint_overrides"
    /// The shuffle block is smaller than a shard.
    case blockSmallerThanShard = "block_smaller_than_shard"
    /// Replication makes several nodes plan as one.
    case nodesMerged = "nodes_merged"
    /// An option has a value that nothing reads.
    case unusedOption = "unused_option"
  }

  /// Which of the reference's habits it is.
  public let kind: Kind
  /// What happens, with the numbers of this plan, and what to change.
  public let text: String

  /// A warning of the given kind.
  public init(_ kind: Kind, _ text: String) {
    self.kind = kind
    self.text = text
  }

  /// The kind's name and the text.
  public var description: String { "\(kind.rawValue): \(text)" }
}
