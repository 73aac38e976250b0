import DatasetModel
import Planning
import WireProtocol

/// What of an open request concerns the trainer's place, checked.
struct SessionPlace: Sendable {
  let world: World
  let node: Int
  /// The global rank.
  let rank: Int

  /// - Throws: `ServerError` naming the number that cannot be.
  init(_ request: OpenRequest) throws(ServerError) {
    let world = request.world.world
    for (name, value) in [
      ("nodes", world.nodes), ("ranks_per_node", world.ranksPerNode), ("workers_per_rank", world.workersPerRank),
    ] where value < 1 || value > PlanningLimits.ranks {
      throw ServerError(.badWorld, "\(name) is \(value); it must be from 1 to \(PlanningLimits.ranks)")
    }
    switch request.rank {
    case .rank(let rank):
      guard rank < world.ranks else {
        throw ServerError(
          .badRank,
          "rank \(rank) is outside a world of \(world.nodes) × \(world.ranksPerNode) ranks; ranks are 0 to "
            + "\(world.ranks - 1)")
      }
      self.rank = Int(rank)
    case .device(let device, let node):
      guard node < world.nodes else {
        throw ServerError(
          .badRank, "node \(node) is outside a world of \(world.nodes); nodes are 0 to \(world.nodes - 1)")
      }
      guard device < world.ranksPerNode else {
        throw ServerError(
          .badRank,
          "device \(device) is outside a node of \(world.ranksPerNode); devices are 0 to "
            + "\(world.ranksPerNode - 1)")
      }
      rank = Int(node) * world.ranksPerNode + Int(device)
    }
    self.world = world
    node = rank / world.ranksPerNode
  }
}

extension ResumePoint {
  /// Refuses numbers that no checkpoint has.
  func checked() throws(ServerError) -> ResumePoint {
    let limit = 1 << 48
    for (name, value, least) in [
      ("epoch", epoch, -1), ("sample_in_epoch", sampleInEpoch, 0), ("num_canonical_nodes", canonicalNodes ?? 0, 0),
      ("shuffle_seed", shuffleSeed ?? 0, 0), ("initial_physical_nodes", initialPhysicalNodes ?? 1, 0),
    ] where value < least || value > limit {
      throw ServerError(.badResume, "the checkpoint's \(name) is \(value); it must be from \(least) to \(limit)")
    }
    return self
  }
}

extension OpenReply {
  /// What a trainer is told of the session just opened for it.
  init(_ session: Session, warnings: [String]) {
    let dataset = session.dataset
    let setup = session.setup
    let start = session.resume.point
    var streams: [SessionStream] = []
    for (index, stream) in dataset.streams.enumerated() {
      streams.append(
        SessionStream(
          name: stream.name.rawValue, firstSample: dataset.firstSamples[index],
          samples: stream.manifest.samples, shards: UInt32(stream.manifest.shards.count),
          drawn: setup.weights.choosePerStream[index]))
    }
    self.init(
      session: session.number, dataset: dataset.name.rawValue, fingerprint: session.fingerprint.description,
      description: session.order.text,
      world: WireWorld(
        nodes: UInt32(setup.world.nodes), ranksPerNode: UInt32(setup.world.ranksPerNode),
        workersPerRank: UInt32(setup.world.workersPerRank)),
      rank: UInt32(session.rank), batchSize: UInt32(setup.options.batchSize),
      replication: UInt32(setup.world.replication),
      position: SessionPosition(
        epoch: start?.epoch ?? 0, sampleInEpoch: start?.sampleInEpoch ?? 0, canonicalNodes: setup.canonicalNodes,
        shuffleSeed: setup.shuffleSeed, initialPhysicalNodes: setup.initialPhysicalNodes ?? setup.world.nodes),
      epochSize: setup.epochSize, length: setup.datasetLength, size: setup.totalSamples,
      meanSampleBytes: UInt32(clamping: dataset.meanSampleBytes), streams: streams, warnings: warnings)
  }
}
