import DatasetModel

@testable import ShardCache

extension CacheLedger {
  /// Everything that must hold between any two transitions, worked out anew from the parts; empty when it does.
  func violations() -> [String] {
    byteViolations() + stateViolations() + claimViolations()
  }

  private func byteViolations() -> [String] {
    var total = LedgerBytes()
    var streams: [StreamName: LedgerBytes] = [:]
    func add(_ stream: StreamName, _ change: (inout LedgerBytes) -> Void) {
      change(&total)
      change(&streams[stream, default: LedgerBytes()])
    }
    var held = 0
    for copy in copies.values {
      switch copy.phase {
      case .committed: add(copy.stream) { $0.used += copy.bytes }
      case .unlinking, .held: add(copy.stream) { $0.unlinking += copy.bytes }
      }
      if copy.holders > 0 { held += copy.bytes }
    }
    for download in downloads.values { add(download.stream) { $0.reserved += download.bytes } }
    for files in quarantine.values { add(files.stream) { $0.quarantined += files.bytes } }
    var found: [String] = []
    if total != bytes { found.append("bytes \(bytes) are really \(total)") }
    if held != heldBytes { found.append("held bytes \(heldBytes) are really \(held)") }
    for (stream, bytes) in streamBytes where bytes != streams[stream] ?? LedgerBytes() {
      found.append("bytes of \(stream) \(bytes) are really \(streams[stream] ?? LedgerBytes())")
    }
    return found
  }

  private func stateViolations() -> [String] {
    var found: [String] = []
    for (slot, entry) in entries.enumerated() {
      guard let entry else {
        if !freeSlots.contains(slot) { found.append("slot \(slot) is lost") }
        continue
      }
      if index[entry.key] != slot { found.append("slot \(slot) cannot be found by its key") }
      switch entry.state {
      case .absent: if entry.interest.isEmpty, entry.claims == 0 { found.append("slot \(slot) is forgotten") }
      case .reserved(let download):
        if downloads[download]?.slot != slot { found.append("slot \(slot) has no download") }
      case .committed(let copy):
        if copies[copy]?.slot != slot || copies[copy]?.phase != .committed { found.append("slot \(slot): no copy") }
      case .unlinking(let copy):
        if copies[copy]?.slot != slot || copies[copy]?.phase != .unlinking { found.append("slot \(slot): no unlink") }
      }
      for interest in entry.interest where sessions[interest.session]?.slots[interest.shard] != slot {
        found.append("slot \(slot) has interest of nobody's")
      }
    }
    for (id, download) in downloads where entries[download.slot]?.state != .reserved(id) {
      found.append("download \(id) is of a shard that is not reserved")
    }
    for (id, copy) in copies {
      switch copy.phase {
      case .committed:
        if entries[copy.slot]?.state != .committed(id) { found.append("copy \(id) is not where it says") }
      case .unlinking:
        if entries[copy.slot]?.state != .unlinking(id) { found.append("copy \(id) is not where it says") }
        if copy.leases > 0 { found.append("copy \(id) is evicted under a lease") }
      case .held: if copy.isIdle { found.append("copy \(id) is held by nobody") }
      }
      if (copy.phase == .unlinking) != unlinking.contains(id) { found.append("copy \(id) is not among the unlinking") }
      if copy.leases < 0 || copy.holders < 0 { found.append("copy \(id) has negative users") }
    }
    return found
  }

  private func claimViolations() -> [String] {
    var found: [String] = []
    var naming: [Int: Int] = [:]
    for (id, claim) in claims {
      for slot in claim.slots { naming[slot, default: 0] += 1 }
      switch claim.phase {
      case .waiting:
        if queue.filter({ $0 == id }).count != 1 { found.append("claim \(id) is not in the queue once") }
        if !claim.leased.isEmpty { found.append("claim \(id) waits and holds") }
      case .admitted(let remaining):
        if queue.contains(id) { found.append("claim \(id) is admitted and queued") }
        if remaining + claim.leased.count != claim.slots.count { found.append("claim \(id) lost a shard") }
        let awaited = claim.slots.filter { slot in
          guard case .reserved(let download)? = entries[slot]?.state else { return false }
          return downloads[download]?.claims.contains(id) == true
        }
        if awaited.count != remaining { found.append("claim \(id) waits for \(remaining), but has \(awaited.count)") }
      }
    }
    for (slot, entry) in entries.enumerated() where entry != nil && entry?.claims != naming[slot] ?? 0 {
      found.append("slot \(slot) miscounts its claims")
    }
    if queue != queue.sorted() { found.append("the queue is out of order") }
    return found
  }
}
