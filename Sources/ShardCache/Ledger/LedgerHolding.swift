/// Copies that clients hold open beyond a request. Their bytes are free only once the last of them has let go, so they
/// should hold nothing that has to leave before it is needed again.
extension CacheLedger {
  /// A client is about to hold the copy open. False when clients hold so much already that a claim might never find
  /// room, or when the copy will have to leave before it is needed again: the bytes must be sent instead.
  mutating func retain(_ id: CopyID) -> Bool {
    guard let copy = copies[id], copy.leases > 0, mayBeHeld(copy) else { return false }
    if copy.holders == 0 {
      guard heldBytes + copy.bytes <= holdLimit else { return false }
      heldBytes += copy.bytes
    }
    copies[id]?.holders += 1
    return true
  }

  /// What clients may hold open altogether, so that the largest claim always fits beside it.
  var holdLimit: Int {
    guard capacity < Int.max else { return Int.max }
    return capacity - max(capacity / 2, largestClaim) - (pins.isEmpty ? 0 : pinnedBytes { _ in true })
  }

  /// A client no longer holds the copy open.
  mutating func drop(_ id: CopyID, now: Double) -> [CacheAction] {
    guard let copy = copies[id] else { return [] }
    precondition(copy.holders > 0, "a copy was dropped by nobody who held it")
    copies[id]?.holders -= 1
    if copy.holders == 1 {
      heldBytes -= copy.bytes
      copies[id]?.recalledAt = nil
    }
    freeIfIdle(id)
    var actions: [CacheAction] = []
    if copy.holders == 1 { settle(now: now, &actions) }
    return actions
  }

  /// Asks those who hold a copy open to let go of it; it stays until they did and somebody needs its room.
  mutating func recall(_ id: CopyID, now: Double, _ actions: inout [CacheAction]) {
    guard let copy = copies[id], copy.holders > 0, copy.recalledAt == nil else { return }
    copies[id]?.recalledAt = now
    actions.append(.recall)
  }

  /// Whether those who hold a copy open should let go of it soon.
  func isUnwanted(_ id: CopyID) -> Bool {
    guard let copy = copies[id] else { return true }
    return copy.phase != .committed || copy.recalledAt != nil || isSoonToLeave(copy)
  }

  /// Notes that a shard had to leave for others.
  mutating func leaves(_ slot: Int) {
    for interest in self[slot].interest { sessions[interest.session]?.lost(interest.shard) }
  }

  /// Whether a copy will not be needed, after the batches of now, before others like it have had to leave.
  private func isSoonToLeave(_ copy: LedgerCopy) -> Bool {
    guard counters.evictions > 0, let entry = entries[copy.slot] else { return false }
    return entry.interest.allSatisfy { interest in sessions[interest.session]?.mayLose(interest.shard) ?? true }
  }

  /// Whether somebody who needs a copy may hold it open; what no session has announced may be while nothing has to leave.
  private func mayBeHeld(_ copy: LedgerCopy) -> Bool {
    guard let interest = entries[copy.slot]?.interest, !interest.isEmpty else { return counters.evictions == 0 }
    return interest.contains { sessions[$0.session]?.mayHold($0.shard) ?? false }
  }
}
