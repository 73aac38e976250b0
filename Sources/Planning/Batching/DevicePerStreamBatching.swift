import DatasetModel

/// Device batches of one stream each; planning.md §8.4.
enum DevicePerStreamBatching {
  /// One stream's samples on one physical node: its canonical nodes' rows, taken in turns of one sample per rank.
  private struct Strand: Sendable {
    let rows: Rows
    /// Canonical nodes of the physical node.
    let owned: Range<Int>
    let ranksPerNode: Int

    /// Entries of each row with the padding that makes ranks equal.
    private var rowEntries: Int { rows.length.dividedRoundingUp(by: ranksPerNode) * ranksPerNode }
    var entries: Int { owned.count * rowEntries }

    /// The sample at an entry.
    func sample(at entry: Int) -> Int {
      let turn = entry / (owned.count * ranksPerNode)
      let inTurn = entry % (owned.count * ranksPerNode)
      let column = turn * ranksPerNode + inTurn % ranksPerNode
      return rows.sample(row: owned.lowerBound + inTurn / ranksPerNode, column: unpadded(column))
    }

    private func unpadded(_ column: Int) -> Int {
      if column < rows.length { return column }
      let padding = rowEntries - rows.length
      let index = column - rows.length
      return ranksPerNode + padding - 1 <= rows.length
        ? rows.length - ranksPerNode - padding + 1 + index : index % rows.length
    }

    /// Samples among the entries of whole batches of some nodes, each counted once.
    static func samplesKept(_ strands: [Strand], inBatchesOf size: Int) -> Int {
      if let first = strands.first, !first.rows.areDistinct {
        // Rows wrap around, so a sample may be in several; there are fewer samples than rows.
        return Set(strands.flatMap { strand in (0..<strand.entries / size * size).map(strand.sample(at:)) }).count
      }
      return strands.reduce(0) { $0 + $1.ownSamplesKept($1.entries / size * size) }
    }

    /// Samples among the first `kept` entries, where rows are distinct.
    private func ownSamplesKept(_ kept: Int) -> Int {
      let (turns, rest) = kept.quotientAndRemainder(dividingBy: owned.count * ranksPerNode)
      return owned.enumerated().reduce(0) { sum, row in
        let columns = turns * ranksPerNode + max(0, min(ranksPerNode, rest - row.offset * ranksPerNode))
        return sum + min(columns, rows.ownSamples(ofRow: row.element))
      }
    }

    /// Writes `count` samples from an entry on.
    @inline(__always)
    func write<ID: SampleNumber>(
      _ samples: UnsafeBufferPointer<ID>, from first: Int, count: Int, to target: UnsafeMutablePointer<ID>
    ) {
      let perTurn = owned.count * ranksPerNode
      var (turn, inTurn) = first.quotientAndRemainder(dividingBy: perTurn)
      // The last turns hold repeats and padding, and rows that wrap around are small.
      guard rows.areDistinct, (first + count - 1) / perTurn < (rows.length - 1) / ranksPerNode else {
        for place in 0..<count { target[place] = samples[sample(at: first + place)] }
        return
      }
      var (row, place) = inTurn.quotientAndRemainder(dividingBy: ranksPerNode)
      var index = rows.starts[owned.lowerBound + row] + turn * ranksPerNode + place
      inTurn = 0
      for offset in 0..<count {
        target[offset] = samples[index]
        place += 1
        index += 1
        if place == ranksPerNode {
          place = 0
          row += 1
          if row == owned.count {
            row = 0
            turn += 1
          }
          index = rows.starts[owned.lowerBound + row] + turn * ranksPerNode
        }
      }
    }
  }

  /// Device batches of one physical node: for each, its stream, and which of the stream's batches it is.
  private struct NodeBatches: Sendable {
    let strands: [Strand]
    var origins: [Int32] = []
    var numbers: [Int] = []
  }

  static func batches<ID: SampleNumber>(_ work: PlanningWork) async throws(PlanningError) -> RankLists<ID> {
    let setup = work.setup
    let (world, canonical) = (setup.world, setup.canonicalNodes)
    guard canonical % world.nodes == 0 else {
      throw .canonicalNodesNotDivisible(canonical: canonical, physical: world.nodes)
    }
    let orders: [[ID]] = try await work.ordersPerStream { stream, samples throws(PlanningError) in
      if setup.shuffle != nil, work.block(of: stream) == 0 {
        throw .blockPortionZero(
          stream: setup.streams[stream].name.rawValue, block: setup.shuffleBlockSize,
          proportion: setup.weights.proportions[stream])
      }
      _ = try Rows(samples: samples, canonicalNodes: canonical, physicalNodes: canonical)
    }
    let nodes = try nodeBatches(setup, samples: orders.map(\.count))
    let longest = nodes.map(\.origins.count).max() ?? 0
    // The reference pads to the next multiple of the ranks, a full one more if it is a multiple already.
    let rounds = longest + world.ranks - longest % world.ranks
    let skipped = work.skippedBatches
    let batches = max(0, rounds * world.nodes / world.ranks - skipped)
    let size = setup.options.batchSize
    return await RankLists(
      work, length: batches * size, batches: batches, warnings: warnings(work, nodes, orders.map(\.count), batches)
    ) { ranks, lists in
      for (list, rank) in ranks.enumerated() {
        let node = nodes[rank % world.nodes]
        for batch in 0..<batches {
          let index = (batch + skipped) * world.ranksPerNode + rank / world.nodes
          guard index < node.origins.count, let base = lists.baseAddress else { break }
          let stream = Int(node.origins[index])
          orders[stream].withUnsafeBufferPointer {
            node.strands[stream].write(
              $0, from: node.numbers[index] * size, count: size, to: base + (list * batches + batch) * size)
          }
        }
      }
    }
  }

  private static func nodeBatches(_ setup: EpochSetup, samples: [Int]) throws(PlanningError) -> [NodeBatches] {
    let (world, canonical) = (setup.world, setup.canonicalNodes)
    var rows: [Rows] = []
    for count in samples { rows.append(try Rows(samples: count, canonicalNodes: canonical, physicalNodes: canonical)) }
    let owned = canonical / world.nodes
    var nodes: [NodeBatches] = []
    for node in 0..<world.nodes {
      let strands = rows.map {
        Strand(rows: $0, owned: node * owned..<(node + 1) * owned, ranksPerNode: world.ranksPerNode)
      }
      for (stream, strand) in strands.enumerated() where strand.entries < setup.options.batchSize {
        throw .noFullBatch(
          stream: setup.streams[stream].name.rawValue, samples: strand.entries, batch: setup.options.batchSize,
          node: node)
      }
      nodes.append(NodeBatches(strands: strands))
    }
    var generator = Generator(seed: setup.choiceSeed)
    for node in nodes.indices {
      let counts = nodes[node].strands.map { $0.entries / setup.options.batchSize }
      nodes[node].origins = PlanningWork.origins(counts, &generator)
      var used = [Int](repeating: 0, count: counts.count)
      nodes[node].numbers = nodes[node].origins.map { origin in
        defer { used[Int(origin)] += 1 }
        return used[Int(origin)]
      }
    }
    return nodes
  }

  private static func warnings(
    _ work: PlanningWork, _ nodes: [NodeBatches], _ samples: [Int], _ batches: Int
  ) -> [PlanningWarning] {
    let setup = work.setup
    var warnings = work.roundedResume
    let size = setup.options.batchSize
    for (stream, drawn) in samples.enumerated() {
      let strands = nodes.map { $0.strands[stream] }
      let delivered = Strand.samplesKept(strands, inBatchesOf: size)
      let dropped = drawn - delivered
      let kept = strands.reduce(0) { $0 + $1.entries / size * size }
      warnings += BatchingWarnings.repeated(setup.streams[stream].name.rawValue, kept - delivered, of: kept, setup)
      if dropped > 0 {
        warnings.append(
          BatchingWarnings.dropped(
            setup.streams[stream].name.rawValue, dropped, of: drawn, batch: "device batch on each node",
            size: size))
      }
    }
    if setup.world.nodes > 1 {
      warnings.append(
        PlanningWarning(
          .batchesOnOtherNode,
          "the reference cuts each node's batches from its own canonical nodes, and hands them to all nodes in turn: "
            + "every node downloads shards of every other. With more than one node batching_method 'per_stream' or "
            + "'random' keeps shards apart"))
    }
    let counts = (0..<setup.world.ranks).map { rank in
      let total = nodes[rank % setup.world.nodes].origins.count - rank / setup.world.nodes
      return max(0, total.dividedRoundingUp(by: setup.world.ranksPerNode))
    }
    if let least = counts.min(), let most = counts.max(), least < most {
      warnings.append(
        PlanningWarning(
          .unequalRanks,
          "some ranks get \(least) batches and others \(most): a training step that waits for all ranks hangs at the "
            + "end of the epoch. Choose samples so that each node's device batches are a multiple of "
            + "\(setup.world.ranksPerNode), or stop after \(least) batches"))
    }
    if work.skippedBatches >= (counts.max() ?? 0) { warnings.append(BatchingWarnings.nothingLeft(setup)) }
    return warnings
  }
}
