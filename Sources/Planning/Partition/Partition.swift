/// Which sample each rank gets in each place of each batch; planning.md §6.
///
/// A *slot* is a place of the global batch: slot (rank)·B + b is place b of that rank's device batch, ranks counted over
/// all nodes. An epoch continued on another node count (`relaxed`) keeps the batches of the node count that began it:
/// its slots are reread, so the arithmetic below knows the beginning world, and slots only.
struct Partition: Sendable {
  let rows: Rows
  /// Entries of the rows that were consumed before.
  let dropped: Int
  /// Nodes that the rows are spread over.
  let nodes: Int
  let ranksPerNode: Int
  /// Samples of a device batch in the world of `nodes`.
  let deviceBatch: Int
  /// Samples of a global batch, the same in both worlds.
  let globalBatch: Int
  /// Entries of each node before rank padding.
  let nodeEntries: Int
  /// Entries of each rank.
  let rankEntries: Int
  /// True when today's world is not the one of `nodes`.
  let isReread: Bool

  /// The partition of `samples` for a setup's world.
  ///
  /// - Throws: `PlanningError` if nodes do not divide, the resume point lies beyond the end, or rows are too short.
  init(_ setup: EpochSetup, samples: Int, dropping sampleInEpoch: Int) throws(PlanningError) {
    let world = setup.world
    let bound = samples + world.ranks - samples % world.ranks
    guard sampleInEpoch <= bound else { throw .resumeBeyondEnd(sample: sampleInEpoch, bound: bound) }
    globalBatch = setup.globalBatch
    ranksPerNode = world.ranksPerNode
    let canonical = setup.canonicalNodes
    let divides = Self.divide(canonical, world.nodes)
    if setup.partition == .relaxed, !divides, let initial = setup.initialPhysicalNodes {
      let devices = initial * world.ranksPerNode
      guard globalBatch % devices == 0 else {
        throw .initialDevicesDoNotDivide(globalBatch: globalBatch, initialDevices: devices)
      }
      nodes = initial
      isReread = true
    } else {
      nodes = world.nodes
      isReread = false
    }
    guard Self.divide(canonical, nodes) else {
      throw .nodesDoNotDivide(canonical: canonical, physical: nodes, partition: setup.partition.rawValue)
    }
    deviceBatch = globalBatch / (nodes * ranksPerNode)
    rows = try Rows(samples: samples, canonicalNodes: canonical, physicalNodes: nodes)
    dropped = sampleInEpoch - sampleInEpoch % nodes
    nodeEntries = max(0, rows.entries - dropped) / nodes
    rankEntries = nodeEntries.dividedRoundingUp(by: ranksPerNode)
  }

  private static func divide(_ left: Int, _ right: Int) -> Bool { max(left, right) % min(left, right) == 0 }

  /// Batches, a partial last one included.
  var batches: Int { rankEntries.dividedRoundingUp(by: deviceBatch) }

  /// Batches without a vacant slot.
  var fullBatches: Int { rankEntries / deviceBatch }

  /// Batches from the first on in which every slot is a plain entry of the rows: no padding, no repeat.
  var plainBatches: Int { max(0, min(rows.plainEntries, nodes * nodeEntries + dropped) - dropped) / globalBatch }

  /// A slot's first entry, counted from the first entry that was not dropped; batch t adds t · globalBatch.
  func offset(ofSlot slot: Int) -> Int {
    let rank = slot / deviceBatch
    return (slot % deviceBatch * ranksPerNode + rank % ranksPerNode) * nodes + rank / ranksPerNode
  }

  /// The sample in a slot of a batch; nil if the slot is vacant.
  func sample(slot: Int, batch: Int) -> Int? {
    let rank = slot / deviceBatch
    let entry = batch * deviceBatch + slot % deviceBatch
    guard entry < rankEntries else { return nil }
    let node = rank / ranksPerNode
    var position = entry * ranksPerNode + rank % ranksPerNode
    if position >= nodeEntries {
      // Ranks are made equal: by the node's last entries, or, where there are too few, by its first ones over again.
      let padding = nodeEntries.dividedRoundingUp(by: ranksPerNode) * ranksPerNode - nodeEntries
      let index = position - nodeEntries
      position =
        ranksPerNode + padding - 1 <= nodeEntries
        ? nodeEntries - ranksPerNode - padding + 1 + index : index % nodeEntries
    }
    return rows.sample(at: dropped + position * nodes + node)
  }
}
