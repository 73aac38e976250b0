import DatasetModel

/// Downloads: from reserved bytes to a committed copy, or back.
extension CacheLedger {
  /// Seconds before prefetching tries a shard again that failed, doubled with every failure in a row.
  static let retrySeconds = 5.0
  static let longestRetrySeconds = 300.0

  /// Reserves a shard's bytes and asks for its download. There must be room.
  mutating func begin(
    _ slot: Int, claims: [ClaimID], isPrefetch: Bool, now: Double, _ actions: inout [CacheAction]
  ) {
    let facts = self[slot].facts
    guard let request = self[slot].request else { preconditionFailure("a shard was wanted without a way to get it") }
    precondition(self[slot].isAbsent && facts.peakBytes <= room && facts.peakBytes <= room(of: facts.stream))
    let id = DownloadID(number: nextNumber())
    downloads[id] = LedgerDownload(
      slot: slot, stream: facts.stream, bytes: facts.peakBytes, claims: claims, isPrefetch: isPrefetch, begun: now)
    entries[slot]?.state = .reserved(id)
    count(facts.stream) { $0.reserved += facts.peakBytes }
    counters.downloads += 1
    if isPrefetch { counters.prefetches += 1 }
    actions.append(.download(id, request, isPrefetch: isPrefetch))
  }

  /// The download's files have their room on the disk.
  mutating func backed(_ id: DownloadID) { downloads[id]?.isBacked = true }

  /// The files lie verified under their final name.
  ///
  /// - Parameter bytes: what they take, at most what was reserved.
  mutating func committed(
    _ id: DownloadID, place: CopyPlace, bytes: Int, verified: Set<String>, now: Double
  ) -> [CacheAction] {
    guard let download = downloads.removeValue(forKey: id) else {
      preconditionFailure("a download ended that was not under way")
    }
    precondition(bytes <= download.bytes, "a copy is larger than its reservation")
    let copy = CopyID(number: nextNumber())
    copies[copy] = LedgerCopy(
      slot: download.slot, stream: download.stream, place: place, bytes: bytes, verified: verified,
      isUnused: download.isPrefetch)
    count(download.stream) {
      $0.reserved -= download.bytes
      $0.used += bytes
    }
    let entry = self[download.slot]
    counters.downloadedBytes += entry.request?.shard.storedBytes ?? 0
    entries[download.slot]?.state = .committed(copy)
    entries[download.slot]?.failures = 0
    entries[download.slot]?.retryAt = 0
    var actions: [CacheAction] = [
      .report(
        .committed(
          stream: download.stream, shard: entry.facts.name, bytes: bytes, seconds: max(0, now - download.begun)))
    ]
    for claim in download.claims { arrived(copy, for: claim, &actions) }
    settle(now: now, &actions)
    return actions
  }

  /// The download gave up; those who wait for it are told.
  mutating func failed(_ id: DownloadID, _ error: CacheError, now: Double) -> [CacheAction] {
    guard let download = end(id) else { return [] }
    counters.failures += 1
    let failures = self[download.slot].failures + 1
    entries[download.slot]?.failures = failures
    let pause = Self.retrySeconds * Double(1 << min(failures - 1, 16))
    entries[download.slot]?.retryAt = now + min(pause, Self.longestRetrySeconds)
    var actions: [CacheAction] = []
    for claim in download.claims {
      actions.append(.fail(claim, error))
      actions += withdraw(claim, now: now)
    }
    becameAbsent(download.slot)
    settle(now: now, &actions)
    return actions
  }

  /// The disk has no room for the download, whatever the limit says. Those who wait for it wait for room again, and room
  /// is made under what the disk was found to hold.
  ///
  /// - Parameter missing: bytes that the disk lacked.
  mutating func diskWasFull(_ id: DownloadID, missing: Int, error: CacheError, now: Double) -> [CacheAction] {
    guard let download = end(id) else { return [] }
    let fits = max(0, bytes.counted + download.bytes - max(1, missing))
    diskLimit = min(diskLimit ?? Int.max, fits)
    var actions: [CacheAction] = []
    for claim in download.claims {
      claims[claim]?.spaceFailures += 1
      if claims[claim]?.spaceFailures ?? 0 >= Self.spaceFailureLimit {
        actions.append(.fail(claim, error))
        actions += withdraw(claim, now: now)
      } else {
        requeue(claim)
      }
    }
    entries[download.slot]?.retryAt = now + Self.retrySeconds
    becameAbsent(download.slot)
    settle(now: now, &actions)
    return actions
  }

  private mutating func end(_ id: DownloadID) -> LedgerDownload? {
    guard let download = downloads.removeValue(forKey: id) else { return nil }
    count(download.stream) { $0.reserved -= download.bytes }
    entries[download.slot]?.state = .absent
    return download
  }

  /// What the disk allows, from what it has free now: the cache's own files, and what is free beyond the reserve.
  mutating func sampled(diskFree: Int) {
    self.diskFree = diskFree
    let unbacked = downloads.values.reduce(0) { $0 + ($1.isBacked ? 0 : $1.bytes) }
    let (sum, overflow) = (bytes.counted - unbacked).addingReportingOverflow(diskFree - limits.freeSpaceReserve)
    diskLimit = overflow ? Int.max : max(0, sum)
  }

  /// True when no more of the disk is free than the cache is to leave: others have filled it.
  var isDiskFilled: Bool { diskFree.map { $0 <= limits.freeSpaceReserve } ?? false }

  /// True when the disk, and not the configured limit, says how much the cache may hold.
  var isDiskBound: Bool { capacity < limits.total ?? Int.max || limits.total == nil }

  /// True when what waits, waits because of the disk and not because of the configured limit.
  var isShortOfDisk: Bool { !queue.isEmpty && capacity < limits.total ?? Int.max }
}
