import DatasetModel
import Planning
import ShardCache
import Testing

@testable import Server

/// The epochs that the cache knows of a session, and the positions they are announced with.
@Suite struct OutlookTests {
  private struct Epoch {
    let part: Outlook.Part
    let schedule: ShardSchedule

    /// Four shards of three samples, in order, in batches of two: six batches an epoch.
    init(_ epoch: Int) async throws {
      let streams = [PlanStream(name: "one", shardSamples: [3, 3, 3, 3])]
      var options = DatasetOptions()
      options.batchSize = 2
      options.canonicalNodes = 1
      let world = World(nodes: 1, ranksPerNode: 1, workersPerRank: 1)
      let setup = try EpochSetup(PlanRequest(streams: streams, options: options, world: world, epoch: epoch))
      let plan = try await makePlan(setup, keeping: .whole, threads: 1)
      let fingerprint = OrderDescription(setup, identities: { _, _ in [] }, digest: FingerprintDigest.make)
        .fingerprint(FingerprintDigest.make())
      part = Outlook.Part(epoch: epoch, key: PlanIdentity(setup, fingerprint), batches: plan.batchCount(ofRank: 0))
      schedule = ShardSchedule(plan, DatasetLayout(streams), ranks: 0..<1)
    }
  }

  @Test func positionsGoOnFromEpochToEpoch() async throws {
    let epochs = [try await Epoch(0), try await Epoch(1), try await Epoch(2), try await Epoch(7)]
    var outlook = Outlook()
    var isNew = outlook.begin(epochs[0].part)
    #expect(isNew, "nothing is known of the first")
    #expect(outlook.uses == nil)
    var isTaken = outlook.learn(epochs[0].schedule, of: epochs[0].part.key)
    #expect(isTaken)
    #expect(outlook.uses?.nextUse(ofShard: 0, from: 2) == nil, "one epoch alone needs its first shard no more")
    let asks = [outlook.asksToExtend(beyond: 0), outlook.asksToExtend(beyond: 0)]
    #expect(asks == [true, false], "once is enough")
    isTaken = outlook.extend(with: epochs[1].part) && outlook.learn(epochs[1].schedule, of: epochs[1].part.key)
    #expect(isTaken)
    #expect(outlook.knownEpochs == [0, 1])
    #expect(outlook.uses?.nextUse(ofShard: 0, from: 2) == 6, "the next epoch does")
    isNew = outlook.begin(epochs[1].part)
    #expect(!isNew, "it was looked ahead to")
    #expect(outlook.first == 6)
    #expect(outlook.uses?.nextUse(ofShard: 3, from: 6) == 10)
    isTaken = outlook.extend(with: epochs[3].part)
    #expect(!isTaken, "not the next one")
    isNew = outlook.begin(epochs[3].part)
    #expect(isNew, "the session goes elsewhere")
    #expect(outlook.first == 12, "and its positions still grow")
    isTaken = outlook.learn(epochs[1].schedule, of: epochs[1].part.key)
    #expect(!isTaken, "that epoch is over")
    #expect(!outlook.mayExtend(beyond: 1))
    #expect(outlook.mayExtend(beyond: 7))
    #expect(outlook.uses == nil)
  }
}
