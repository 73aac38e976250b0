import DatasetModel

/// Files out of use: copies that cannot be trusted, and what could not be removed. Their bytes count until they are gone.
extension CacheLedger {
  /// The copy's files could not be unlinked; they stay, out of use.
  mutating func unlinkFailed(_ id: CopyID, reason: String, now: Double) -> [CacheAction] {
    guard let copy = copies[id], copy.phase == .unlinking else { return [] }
    var actions: [CacheAction] = [.report(.stuck(place: "\(copy.place.stream)/\(copy.place.name)", reason: reason))]
    unlinking.remove(id)
    entries[copy.slot]?.state = .absent
    copies[id] = nil
    if copy.holders > 0 { heldBytes -= copy.bytes }
    quarantine["stuck \(id.number)"] = QuarantinedBytes(stream: copy.stream, bytes: copy.bytes, isRemovable: false)
    count(copy.stream) {
      $0.unlinking -= copy.bytes
      $0.quarantined += copy.bytes
    }
    becameAbsent(copy.slot)
    settle(now: now, &actions)
    return actions
  }

  /// Takes a copy out of use that turned out not to be what it should, its files to lie in quarantine under `name`.
  /// `isGone` when there are no files at all.
  mutating func distrust(_ id: CopyID, isGone: Bool, name: String, now: Double) -> [CacheAction] {
    guard let copy = copies[id], copy.phase == .committed else { return [] }
    var actions: [CacheAction] = []
    entries[copy.slot]?.state = .absent
    copies[id]?.phase = .held
    count(copy.stream) {
      $0.used -= copy.bytes
      $0.unlinking += copy.bytes
    }
    counters.quarantined += 1
    if copy.holders > 0 { actions.append(.recall) }
    if !isGone {
      // The bytes pass to the quarantine; whoever still has the files open holds bytes that are counted there.
      quarantine[name] = QuarantinedBytes(stream: copy.stream, bytes: copy.bytes, isRemovable: true)
      copies[id]?.bytes = 0
      if copy.holders > 0 { heldBytes -= copy.bytes }
      count(copy.stream) {
        $0.unlinking -= copy.bytes
        $0.quarantined += copy.bytes
      }
    }
    // Claims that have it already and wait for others need it anew.
    for claim in claims.keys.sorted() where claims[claim]?.leased.contains(id) == true { requeue(claim) }
    freeIfIdle(id)
    becameAbsent(copy.slot)
    settle(now: now, &actions)
    return actions
  }

  /// Counts files that were found in quarantine at the start.
  mutating func adoptQuarantined(_ name: String, stream: StreamName, bytes: Int) {
    quarantine[name] = QuarantinedBytes(stream: stream, bytes: bytes, isRemovable: true)
    count(stream) { $0.quarantined += bytes }
  }

  /// Asks for quarantined files to be removed; answers the bytes that will be free.
  mutating func clearQuarantine(of stream: StreamName?, _ actions: inout [CacheAction]) -> Int {
    var names: [String] = []
    var bytes = 0
    for (name, files) in quarantine where files.isRemovable && !files.isLeaving {
      guard stream == nil || files.stream == stream else { continue }
      quarantine[name]?.isLeaving = true
      names.append(name)
      bytes += files.bytes
    }
    if !names.isEmpty { actions.append(.clearQuarantine(names.sorted())) }
    return bytes
  }

  /// These are not in quarantine any more, or could not be removed from it.
  mutating func quarantineCleared(_ names: [String], stuck: Set<String>, now: Double) -> [CacheAction] {
    for name in names {
      guard let files = quarantine.removeValue(forKey: name) else { continue }
      if stuck.contains(name) {
        quarantine[name] = QuarantinedBytes(stream: files.stream, bytes: files.bytes, isRemovable: false)
      } else {
        count(files.stream) { $0.quarantined -= files.bytes }
      }
    }
    var actions: [CacheAction] = []
    settle(now: now, &actions)
    return actions
  }
}
