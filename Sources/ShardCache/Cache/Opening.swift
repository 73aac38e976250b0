import Codecs
import DatasetModel
import LinuxSystem
import Synchronization

extension ShardCache {
  /// The lease on a granted copy whose files are open already.
  func opened(_ request: ShardRequest, _ copy: GrantedCopy) -> ShardLease? {
    state.withLock { $0.open[copy.copy]?.files }.map { ShardLease(request, $0, cache: self, copy: copy.copy) }
  }

  /// The lease on a granted copy, its files opened if they are not. Nil, and the lease given back, when the files are not
  /// there or not as long as they were: then the copy is taken out of use. Blocks.
  func open(_ request: ShardRequest, _ copy: GrantedCopy) -> ShardLease? {
    if let lease = opened(request, copy) { return lease }
    do throws(FileCheck.Mismatch) {
      let opened = try files.open(copy.place, request.shard)
      state.withLock { $0.open[copy.copy] = CacheState.OpenFiles(files: opened) }
      return ShardLease(request, opened, cache: self, copy: copy.copy)
    } catch {
      distrust(copy, error)
      giveBack(copy.copy)
      return nil
    }
  }

  func isVerified(_ request: ShardRequest, _ copy: GrantedCopy) -> Bool {
    guard let wanted = request.validateHash else { return true }
    return copy.verified.contains(wanted)
  }

  /// Checks the digest that a request insists on, if it was not checked before; what fails is taken out of use.
  func verify(_ request: ShardRequest, _ copy: GrantedCopy, _ lease: ShardLease) async -> Bool {
    if isVerified(request, copy) { return true }
    return await verify(request, copy, lease, .normal)
  }

  func verify(
    _ request: ShardRequest, _ copy: GrantedCopy, _ lease: ShardLease, _ urgency: BlockingPool.Urgency
  ) async -> Bool {
    do throws(FileCheck.Mismatch) {
      let checked = try await pool.run(urgency) { () throws(FileCheck.Mismatch) -> Set<String> in
        let data = FileCheck(request.shard.data.raw, validateHash: request.validateHash)
        try data.check(lease.data)
        if let meta = lease.meta, let pair = request.shard.meta {
          try FileCheck(pair.raw, validateHash: request.validateHash).check(meta)
        }
        return data.algorithm.map { [$0.rawValue] } ?? []
      }
      // Where the index lists the digest of the compressed file only, checking the raw one's by another is all there is.
      let verified = checked.union(request.validateHash.map { [$0] } ?? [])
      transition { ledger, _ in
        ledger.copies[copy.copy]?.verified.formUnion(verified)
        return []
      }
      return true
    } catch {
      distrust(copy, error)
      return false
    }
  }

  /// Takes a copy out of use and moves its files to quarantine. Its record of bytes goes with it.
  func distrust(_ copy: GrantedCopy, _ mismatch: FileCheck.Mismatch) {
    var isGone = false
    if case .system(let error) = mismatch { isGone = error.isMissing }
    let reason = "\(mismatch)"
    let place = copy.place
    let name = "\(place.name).\(copy.copy.number)"
    let now = now
    let outcome = state.withLock { state -> (ShardFacts, [CacheAction])? in
      state.open[copy.copy] = nil
      // Several may find out at once; one of them acts.
      guard let known = state.ledger.copies[copy.copy], known.phase == .committed else { return nil }
      let facts = state.ledger[known.slot].facts
      return (facts, state.ledger.distrust(copy.copy, isGone: isGone, name: name, now: now))
    }
    guard let (facts, actions) = outcome else { return }
    options.onEvent(
      .quarantined(stream: facts.stream, shard: facts.name, place: "quarantine/\(name)", reason: reason))
    startQuarantine(copy, reason)
    act(actions)
  }

  private func startQuarantine(_ copy: GrantedCopy, _ reason: String) {
    let number = state.withLock { $0.ledger.nextNumber() }
    startWork(number) { cache in
      do {
        try await cache.pool.run { [files = cache.files] () throws(SystemError) in
          try files.quarantine(copy.place, as: "\(copy.place.name).\(copy.copy.number)", reason: reason)
        }
      } catch {
        cache.options.onEvent(.stuck(place: "shards/\(copy.place.stream)/\(copy.place.name)", reason: "\(error)"))
      }
    }
  }
}
