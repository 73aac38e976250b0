/// Which shard: a loaded stream's number in this daemon's life, and the shard's position in its manifest.
struct ShardSlot: Hashable, Sendable {
  let stream: Int
  let shard: Int
}

/// The shard files that one connection holds open, under the handles its client knows them by.
///
/// A value with transitions and no I/O: the connection acts on what comes back. A handle is in use from `insert` until
/// the client says it closed it (`dropped`), so that none is given twice while it is valid.
struct OpenShardTable<File> {
  /// A shard file open on this connection.
  struct Entry {
    let handle: UInt32
    let file: File
    /// The request that used it last.
    var lastUse: UInt64
    /// True once the client holds a descriptor for it.
    var passed: Bool
  }

  /// How many files stay open between requests.
  let limit: Int
  private(set) var entries: [ShardSlot: Entry] = [:]
  /// Ordered dropped, not yet reported closed.
  private(set) var leaving: [UInt32: File] = [:]
  /// Let go of while the client rested, which may still have them open and is told to close them with the next reply.
  private(set) var rested: Set<UInt32> = []
  /// The part of `rested` that no reply has ordered dropped yet.
  private var overdue: [UInt32] = []
  private var freeHandles: [UInt32] = []
  private var nextHandle: UInt32 = 1

  init(limit: Int) { self.limit = limit }

  /// The entry for `slot`, marked as used by `request`.
  mutating func use(_ slot: ShardSlot, by request: UInt64) -> Entry? {
    guard let index = entries.index(forKey: slot) else { return nil }
    entries.values[index].lastUse = request
    return entries.values[index]
  }

  /// Takes up a file that was just opened.
  mutating func insert(_ file: File, for slot: ShardSlot, by request: UInt64) -> Entry {
    let handle: UInt32
    if let free = freeHandles.popLast() {
      handle = free
    } else {
      handle = nextHandle
      nextHandle += 1
    }
    let entry = Entry(handle: handle, file: file, lastUse: request, passed: false)
    entries[slot] = entry
    return entry
  }

  /// Notes that the client now holds a descriptor for `slot`.
  mutating func markPassed(_ slot: ShardSlot) {
    entries[slot]?.passed = true
  }

  /// Lets go of files: all that `isDone` says will not be used again, and the least recently used over the limit, but
  /// none that `request` uses. Answers the handles the client must close.
  ///
  /// - Parameters:
  ///   - canOrder: whether the reply can order drops; if not, files that the client holds stay.
  ///   - looking: whether to ask `isDone` of every file, or only to keep to the limit.
  mutating func release(
    after request: UInt64, canOrder: Bool = true, looking: Bool = true, where isDone: (ShardSlot, Entry) -> Bool
  ) -> [UInt32] {
    var drops = canOrder ? overdue : []
    if canOrder { overdue = [] }
    func mayGo(_ entry: Entry) -> Bool { entry.lastUse != request && (canOrder || !entry.passed) }
    if looking {
      for (slot, entry) in entries where isDone(slot, entry) && mayGo(entry) { remove(slot, entry, into: &drops) }
    }
    let excess = entries.count - limit
    if excess > 0 {
      let idle = entries.filter { mayGo($0.value) }.sorted { $0.value.lastUse < $1.value.lastUse }
      for (slot, entry) in idle.prefix(excess) { remove(slot, entry, into: &drops) }
    }
    return drops
  }

  /// The client closed `handle`; false if it was not ordered dropped.
  mutating func dropped(_ handle: UInt32) -> Bool {
    guard leaving.removeValue(forKey: handle) != nil || rested.remove(handle) != nil else { return false }
    freeHandles.append(handle)
    return true
  }

  /// Lets go of every file, also of those that the client has open: it has been silent for long. Answers how many.
  mutating func rest() -> Int {
    let count = entries.count + leaving.count
    for entry in entries.values {
      if entry.passed {
        rested.insert(entry.handle)
        overdue.append(entry.handle)
      } else {
        freeHandles.append(entry.handle)
      }
    }
    entries = [:]
    rested.formUnion(leaving.keys)
    leaving = [:]
    return count
  }

  private mutating func remove(_ slot: ShardSlot, _ entry: Entry, into drops: inout [UInt32]) {
    entries[slot] = nil
    if entry.passed {
      leaving[entry.handle] = entry.file
      drops.append(entry.handle)
    } else {
      freeHandles.append(entry.handle)
    }
  }
}
