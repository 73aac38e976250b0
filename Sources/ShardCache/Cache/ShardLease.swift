import DatasetModel
import LinuxSystem
import Synchronization

/// The right to read a shard: as long as it is held the shard is not evicted. Hold it for one request, not for long.
public final class ShardLease: Sendable {
  public let request: ShardRequest
  /// The sample bytes, open for reading only.
  public let data: OwnedDescriptor
  /// The offsets of a split format; nil for MDS.
  public let meta: OwnedDescriptor?
  private let files: ShardFiles
  private let cache: ShardCache?
  private let copy: CopyID?
  private let isReleased = Atomic<Bool>(false)

  /// `cache` and `copy` are nil for a shard that is read in place.
  init(_ request: ShardRequest, _ files: ShardFiles, cache: ShardCache?, copy: CopyID?) {
    self.request = request
    self.files = files
    self.cache = cache
    self.copy = copy
    data = files.data
    meta = files.meta
  }

  deinit { release() }

  /// Gives the lease back; a second time does nothing.
  public func release() {
    guard isReleased.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged,
      let cache, let copy
    else { return }
    cache.giveBack(copy)
  }

  /// The right to keep the files open beyond the lease, for a client that is about to get a descriptor. The shard may be
  /// evicted meanwhile; its bytes then count until the last holder lets go.
  ///
  /// Nil when clients hold so much of the limit already that a request might never find room, or when the shard has to
  /// leave before it is needed again: send bytes then, not a descriptor. The lease must not be released yet.
  public func retain() -> RetainedShard? {
    guard let cache, let copy else { return RetainedShard(files, cache: nil, copy: nil) }
    precondition(!isReleased.load(ordering: .acquiring), "a lease was retained after it was released")
    guard cache.state.withLock({ $0.ledger.retain(copy) }) else { return nil }
    return RetainedShard(files, cache: cache, copy: copy)
  }
}

/// A shard that a client holds open. Let go of it when the client has closed its descriptors.
public final class RetainedShard: Sendable {
  public let data: OwnedDescriptor
  public let meta: OwnedDescriptor?
  private let files: ShardFiles
  private let cache: ShardCache?
  private let copy: CopyID?
  private let isDropped = Atomic<Bool>(false)

  init(_ files: ShardFiles, cache: ShardCache?, copy: CopyID?) {
    self.files = files
    self.cache = cache
    self.copy = copy
    data = files.data
    meta = files.meta
  }

  deinit { drop() }

  /// True once the shard is evicted, and its bytes still count, or once it should be as soon as nobody holds it: the
  /// client should be told to close it soon.
  public var isUnwanted: Bool {
    guard let cache, let copy else { return false }
    return cache.state.withLock { $0.ledger.isUnwanted(copy) }
  }

  /// The client has closed its descriptors; a second time does nothing.
  public func drop() {
    guard isDropped.compareExchange(expected: false, desired: true, ordering: .acquiringAndReleasing).exchanged,
      let cache, let copy
    else { return }
    cache.transition { ledger, now in ledger.drop(copy, now: now) }
  }
}
