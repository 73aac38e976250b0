import DatasetModel
import Planning
import WireProtocol

/// One trainer's place in a dataset: who it is in the world, and the plan of the epoch it is in.
///
/// Belongs to one connection's thread; what others may see of it is in its record.
struct Session {
  let number: UInt32
  let record: SessionRecord
  let dataset: LoadedDataset
  /// The world as the trainer sees it.
  let world: World
  /// The trainer's node in that world.
  let node: Int
  /// Its rank in the planning world.
  let rank: Int
  let resume: SessionResume
  /// The first epoch's setup: options with their defaults and the checkpoint applied.
  let setup: EpochSetup
  /// Everything that fixes the order, in words, and its digest.
  let order: OrderDescription
  let fingerprint: Fingerprint
  /// The epoch last asked for.
  var current: SessionEpoch?

  /// Which ranks' lists a plan for this session holds: its node's, in a world of several.
  var part: PlanPart { world.nodes > 1 ? .node(node) : .whole }

  /// What planning needs to make an epoch's plan.
  func planRequest(epoch: Int) -> PlanRequest {
    PlanRequest(
      streams: dataset.planStreams, options: dataset.specification.options, world: world, epoch: epoch,
      resume: resume.resume(for: epoch))
  }

  /// An epoch's plan as the epoch service wants it.
  func wantedPlan(epoch: Int) throws(PlanningError) -> WantedPlan {
    let setup = try EpochSetup(planRequest(epoch: epoch))
    return WantedPlan(key: PlanIdentity(setup, fingerprint, keeping: part), setup: setup, part: part)
  }

  /// The reference's checkpoint once this rank has received `samples` samples of `epoch` since it began or continued.
  ///
  /// Source: planning.md §10: the samples of all ranks together, replicas counted once.
  func position(epoch: Int, samples: Int) -> SessionPosition {
    let start = resume.resume(for: epoch)
    let consumed = samples * world.ranks / setup.world.replication
    return SessionPosition(
      epoch: epoch, sampleInEpoch: (start?.sampleInEpoch ?? 0) + consumed, canonicalNodes: setup.canonicalNodes,
      shuffleSeed: setup.shuffleSeed, initialPhysicalNodes: setup.initialPhysicalNodes ?? setup.world.nodes)
  }
}

/// An epoch's plan as one rank consumes it.
struct SessionEpoch {
  let epoch: Int
  let plan: EpochPlan
  /// Device batches of the rank that hold samples.
  let batches: Int
  /// Samples of the rank.
  let samples: Int
  /// What the trainer should know of the cache's limits in this epoch.
  var warnings: [String] = []
  /// Batches that one request may be for.
  var together = 1

  init(epoch: Int, plan: EpochPlan, rank: Int) {
    self.epoch = epoch
    self.plan = plan
    batches = plan.batchCount(ofRank: rank)
    samples = plan.sampleCount(ofRank: rank)
  }
}
