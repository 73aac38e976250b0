import DatasetModel
import Testing

@testable import ShardCache

@Suite struct SessionFutureTests {
  @Test func listedUsesAgreeWithLookingThroughTheList() {
    var random = SeededRandom(11)
    let positions = (0..<200).map { _ in Array(Set((0..<3).map { _ in random.below(20) })) }
    let uses = ListedUses(positions: positions, shards: 20)
    for shard in 0..<20 {
      for from in 0..<210 {
        let expected = positions.indices.first { $0 >= from && positions[$0].contains(shard) }
        #expect(uses.nextUse(ofShard: shard, from: from) == expected)
      }
    }
  }

  @Test func chainedUsesAreOneLongList() {
    var random = SeededRandom(12)
    let epochs = (0..<3).map { _ in (0..<30).map { _ in [random.below(12), 12 + random.below(8)] } }
    let whole = ListedUses(positions: Array(epochs.joined()), shards: 20)
    let chained = ChainedUses(epochs.map { (ListedUses(positions: $0, shards: 20), $0.count) })
    for shard in 0..<20 {
      for from in 0..<95 {
        #expect(chained.nextUse(ofShard: shard, from: from) == whole.nextUse(ofShard: shard, from: from))
      }
    }
  }

  @Test func chainedUsesGoOnCountingFromTheirStart() {
    let parts: [(uses: any NextUses, positions: Int)] = [
      (ListedUses(positions: [[0], [1]], shards: 3), 2), (ListedUses(positions: [[2], [0]], shards: 3), 2),
    ]
    let chained = ChainedUses(parts, startingAt: 100)
    #expect((0..<3).map { chained.nextUse(ofShard: $0, from: 0) } == [100, 101, 102])
    #expect((0..<3).map { chained.nextUse(ofShard: $0, from: 101) } == [103, 101, 102])
    #expect((0..<3).map { chained.nextUse(ofShard: $0, from: 103) } == [103, nil, nil])
  }

  @Test func nextUsesFollowThePosition() {
    let positions = [[0, 1], [2], [0], [1], [2, 0]]
    var future = SessionFuture(
      uses: ListedUses(positions: positions, shards: 4), shards: 4, position: 0, bounds: AheadBounds(),
      pace: Pace(now: 0))
    #expect(future.next == [0, 0, 1, SessionFuture.never])
    future.advance(to: 2, now: 1) { _ in true }
    #expect(future.next == [2, 3, 4, SessionFuture.never])
    future.advance(to: 1, now: 1) { _ in true }
    #expect(future.position == 2, "positions never go back")
    #expect(future.soonestWanted(isAbsent: { $0 != 0 }, accepts: { _ in true }) == Need(position: 3, shard: 1))
    #expect(future.soonestWanted(isAbsent: { _ in true }, accepts: { $0.shard == 2 }) == Need(position: 4, shard: 2))
    future.advance(to: 100, now: 2) { _ in true }
    #expect(future.next.allSatisfy { $0 == SessionFuture.never })
    #expect(future.soonestWanted(isAbsent: { _ in true }, accepts: { _ in true }) == nil)
  }

  @Test func paceFollowsTheSessionAndItsRests() {
    var pace = Pace(now: 0)
    for step in 1...100 { pace.moved(by: 2, now: Double(step)) }
    #expect(abs((pace.measured ?? 0) - 0.5) < 1e-6)
    #expect(abs(pace.seconds(now: 100.1) - 0.5) < 1e-6)
    #expect(pace.seconds(now: 200) == 25, "it rests: what it needs is no longer near")
    for step in 0..<50 { pace.moved(by: 1, now: 200 + Double(step) * 2) }
    #expect(abs((pace.measured ?? 0) - 2) < 0.2)
  }

  /// A slow session's near need is later than a fast session's far one.
  @Test func sessionsAreMergedByTheirPace() throws {
    let provider = TestProvider([])
    let requests = (0..<3).map { number in
      ShardRequest(
        stream: "s", location: "x",
        shard: ShardDescriptor(
          format: .mds, samples: 1, data: FilePair(raw: FileRecord(basename: "\(number)", bytes: 1000)), schema: 0),
        source: .provider(provider))
    }
    var ledger = CacheLedger(limits: CacheLimits(total: 2 * requests[0].peakBytes, freeSpaceReserve: 0))
    func bring(_ shard: Int) throws -> [CacheAction] {
      let claim = ClaimID(number: ledger.nextNumber())
      var actions = try ledger.claim(claim, [requests[shard]], now: 10)
      for case .download(let id, _, _) in actions {
        let place = CopyPlace(stream: "s", name: "\(shard)")
        actions += ledger.committed(id, place: place, bytes: requests[0].residentBytes, verified: [], now: 10)
      }
      for case .grant(_, let copies) in actions { for copy in copies { _ = ledger.release(copy.copy, now: 10) } }
      return actions
    }
    _ = try bring(0)
    _ = try bring(1)
    for (number, near, seconds) in [(1, [[], [], [0]], 10.0), (2, Array(repeating: [], count: 20) + [[1]], 0.1)] {
      let future = SessionFuture(
        uses: ListedUses(positions: near, shards: 3), shards: 3, position: 0, bounds: AheadBounds(),
        pace: Pace(now: 10, fixed: seconds))
      _ = ledger.announce(SessionID(number: -number), future, requests, now: 10)
    }
    // Shard 0 is needed in 2 positions of 10 s, shard 1 in 20 positions of 0.1 s.
    let evicted = try bring(2).compactMap { action -> String? in
      if case .unlink(_, let place) = action { place.name } else { nil }
    }
    #expect(evicted == ["0"])
  }
}
