import ShardFormats
import Synchronization

/// Sample tables of shards in use, shared by all connections, within a bound.
final class SampleTables: Sendable {
  private struct Entry {
    let table: SampleTable
    var lastUse: UInt64
  }

  private struct State {
    var entries: [ShardSlot: Entry] = [:]
    var bytes = 0
    var clock: UInt64 = 0
  }

  private let limit: Int
  private let state = Mutex(State())

  /// - Parameter limit: bytes of all tables together.
  init(limit: Int) { self.limit = limit }

  /// The table, read by `read` if it is not known.
  func table(for slot: ShardSlot, read: () throws -> SampleTable) rethrows -> SampleTable {
    if let known = known(slot) { return known }
    let table = try read()
    state.withLock { state in
      state.clock += 1
      if state.entries.updateValue(Entry(table: table, lastUse: state.clock), forKey: slot) == nil {
        state.bytes += Self.bytes(table)
      }
      guard state.bytes > limit else { return }
      // A quarter goes at once, so that a full table is not sorted at every insertion.
      for (old, entry) in state.entries.sorted(by: { $0.value.lastUse < $1.value.lastUse }) {
        if state.bytes <= limit / 4 * 3 { break }
        state.entries[old] = nil
        state.bytes -= Self.bytes(entry.table)
      }
    }
    return table
  }

  private func known(_ slot: ShardSlot) -> SampleTable? {
    state.withLock { state in
      guard let index = state.entries.index(forKey: slot) else { return nil }
      state.clock += 1
      state.entries.values[index].lastUse = state.clock
      return state.entries.values[index].table
    }
  }

  private static func bytes(_ table: SampleTable) -> Int { SampleTable.headBytes(samples: table.count) + 64 }
}
