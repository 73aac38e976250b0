import Synchronization

/// Results by key, each worked out once however many ask at the same time, with a bound on how many are kept.
///
/// A failure is given to all who waited for it and is then forgotten, so that the next one to ask tries again.
final class SharedResults<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct Entry {
    let task: Task<Value, any Error>
    let generation: UInt64
    var lastUse: UInt64
    var finished = false
  }

  private struct State {
    var entries: [Key: Entry] = [:]
    var clock: UInt64 = 0

    /// The finished entries beyond `limit`, least recently used first, leave.
    mutating func trim(to limit: Int) {
      var excess = entries.count - limit
      guard excess > 0 else { return }
      for (key, _) in entries.filter(\.value.finished).sorted(by: { $0.value.lastUse < $1.value.lastUse }) {
        if excess == 0 { return }
        entries[key] = nil
        excess -= 1
      }
    }
  }

  private let limit: Int
  private let state = Mutex(State())

  /// - Parameter limit: how many finished results are kept; results under way are not counted out.
  init(limit: Int) { self.limit = limit }

  /// The result for `key`, from memory, from the one who is working it out now, or by `make`.
  func value(for key: Key, make: @escaping @Sendable () async throws -> Value) async throws -> Value {
    let (task, generation) = state.withLock { state -> (Task<Value, any Error>, UInt64) in
      state.clock += 1
      if var entry = state.entries[key] {
        entry.lastUse = state.clock
        state.entries[key] = entry
        return (entry.task, entry.generation)
      }
      let task = Task { try await make() }
      state.entries[key] = Entry(task: task, generation: state.clock, lastUse: state.clock)
      return (task, state.clock)
    }
    let result = await task.result
    state.withLock { state in
      guard state.entries[key]?.generation == generation else { return }
      switch result {
      case .success:
        state.entries[key]?.finished = true
        state.trim(to: limit)
      case .failure: state.entries[key] = nil
      }
    }
    return try result.get()
  }

  /// Forgets the result for `key`; those who wait for it still get it.
  func forget(_ key: Key) {
    state.withLock { $0.entries[key] = nil }
  }

  /// Keys that are kept or under way.
  var keys: [Key] { state.withLock { Array($0.entries.keys) } }
}
