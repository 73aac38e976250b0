import Testing

@testable import Server

@Suite struct OpenShardTableTests {
  private func slot(_ shard: Int) -> ShardSlot { ShardSlot(stream: 1, shard: shard) }

  @Test func handlesAreNeverGivenTwiceWhileAClientHoldsThem() throws {
    var table = OpenShardTable<String>(limit: 1)
    let first = table.insert("a", for: slot(0), by: 1)
    table.markPassed(slot(0))
    _ = table.insert("b", for: slot(1), by: 2)
    #expect(table.release(after: 2) { _, _ in false } == [first.handle])
    // Ordered dropped but still open in the client: its number stays taken.
    let third = table.insert("c", for: slot(2), by: 3)
    #expect(third.handle != first.handle)
    let (once, twice) = (table.dropped(first.handle), table.dropped(first.handle))
    #expect(once && !twice)
    #expect(table.insert("d", for: slot(3), by: 3).handle == first.handle)
  }

  @Test func whatTheRequestUsesStaysEvenOverTheLimit() {
    var table = OpenShardTable<Int>(limit: 2)
    for shard in 0..<5 { _ = table.insert(shard, for: slot(shard), by: 7) }
    #expect(table.release(after: 7) { _, _ in true }.isEmpty)
    #expect(table.entries.count == 5)
    _ = table.use(slot(4), by: 8)
    #expect(
      table.release(after: 8) { _, _ in false }.isEmpty, "nothing was passed, so nothing is the client's to close")
    #expect(table.entries.count == 2 && table.entries[slot(4)] != nil)
  }

  @Test func whatARestingClientHoldsIsLetGoAndOrderedDroppedLater() {
    var table = OpenShardTable<String>(limit: 8)
    let passed = table.insert("a", for: slot(0), by: 1)
    table.markPassed(slot(0))
    let kept = table.insert("b", for: slot(1), by: 1)
    let files = table.rest()
    #expect(files == 2)
    #expect(table.entries.isEmpty && table.leaving.isEmpty)
    #expect(table.use(slot(0), by: 2) == nil, "a file let go of is opened anew")
    let again = table.insert("a", for: slot(0), by: 2)
    #expect(again.handle == kept.handle, "the client never had it, so its number is free")
    #expect(table.insert("c", for: slot(2), by: 2).handle != passed.handle, "the client still has it open")
    #expect(table.release(after: 2, canOrder: false) { _, _ in false }.isEmpty)
    #expect(table.release(after: 2) { _, _ in false } == [passed.handle])
    #expect(table.release(after: 2) { _, _ in false }.isEmpty, "ordered once")
    let (reported, twice) = (table.dropped(passed.handle), table.dropped(passed.handle))
    #expect(reported && !twice)
  }

  @Test func neverHoldsMoreThanItsLimitBetweenRequestsOverRandomUse() {
    let seed = UInt64.random(in: 0 ... .max)
    print("OpenShardTable random use, seed \(seed)")
    var random = SplitMix(state: seed)
    var table = OpenShardTable<Int>(limit: 8)
    var client: Set<UInt32> = []
    for request in 1...2_000 as ClosedRange<UInt64> {
      for _ in 0..<4 {
        let shard = slot(Int.random(in: 0..<40, using: &random))
        if table.use(shard, by: request) == nil {
          let entry = table.insert(shard.shard, for: shard, by: request)
          #expect(client.insert(entry.handle).inserted, "handle given twice")
          table.markPassed(shard)
        }
      }
      for handle in table.release(after: request, where: { slot, _ in slot.shard % 7 == 0 }) {
        let wasOrdered = table.dropped(handle)
        #expect(wasOrdered)
        client.remove(handle)
      }
      #expect(table.entries.count <= 8 && table.leaving.isEmpty)
      #expect(Set(table.entries.values.map(\.handle)) == client)
    }
  }
}

private struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
