import DatasetModel

/// A copy of a shard in the cache's directory, unique in this process's life.
struct CopyID: Hashable, Sendable, Comparable {
  let number: Int
  static func < (left: CopyID, right: CopyID) -> Bool { left.number < right.number }
}

/// A download under way.
struct DownloadID: Hashable, Sendable {
  let number: Int
}

/// Somebody who wants a set of shards, all at once. Older claims have smaller numbers.
struct ClaimID: Hashable, Sendable, Comparable {
  let number: Int
  static func < (left: ClaimID, right: ClaimID) -> Bool { left.number < right.number }
}

/// A session whose future the cache knows; given by `ShardCache.openSession`.
public struct SessionID: Hashable, Sendable {
  let number: Int
}

/// Where a copy's files lie below the cache's directory.
struct CopyPlace: Hashable, Sendable {
  /// The directory of the stream's copies.
  let stream: String
  /// The copy's own directory in it.
  let name: String
}

/// What the ledger counts a shard by.
struct ShardFacts: Hashable, Sendable {
  /// The stream it is counted for: the first that asked.
  let stream: StreamName
  let name: String
  let residentBytes: Int
  let peakBytes: Int
}

/// What the ledger knows of one shard. `absent → reserved → committed → unlinking → absent`; a failed download goes from
/// reserved back to absent, a copy that cannot be trusted from committed to absent (its files into quarantine).
struct LedgerEntry: Sendable {
  enum State: Hashable, Sendable {
    case absent
    /// Bytes are reserved and a download is under way.
    case reserved(DownloadID)
    case committed(CopyID)
    /// Evicted; the files are being unlinked.
    case unlinking(CopyID)
  }

  let key: ShardKey
  var facts: ShardFacts
  /// How to get it; nil for copies found at the start until somebody asks for them.
  var request: ShardRequest?
  var state = State.absent
  /// The sessions that know it, and its number there.
  var interest: [Interest] = []
  /// Waiting claims that name it.
  var claims = 0
  /// Failed downloads in a row, and when prefetching may try again.
  var failures = 0
  var retryAt = 0.0
  /// Grows with every lease; the order of those that no plan uses.
  var lastUse = 0
  var isPinned = false

  struct Interest: Hashable, Sendable {
    let session: SessionID
    let shard: Int
    /// The session's place in a `NeedClock`.
    let seat: Int
  }

  var isAbsent: Bool { state == .absent }
}

/// A copy's files and who uses them.
struct LedgerCopy: Sendable {
  enum Phase: Hashable, Sendable {
    /// Under its final name; may be leased.
    case committed
    /// Being unlinked.
    case unlinking
    /// Unlinked, and still open somewhere: its bytes are not free yet.
    case held
  }

  let slot: Int
  let stream: StreamName
  let place: CopyPlace
  var bytes: Int
  var phase = Phase.committed
  /// Requests that are being served from it.
  var leases = 0
  /// Connections whose clients hold it open.
  var holders = 0
  /// When the holders were asked to let go, because it should leave and its bytes would not be free; nil when not.
  var recalledAt: Double?
  /// Digests that were checked when it was committed, or since.
  var verified: Set<String>
  /// Prefetched and not used so far.
  var isUnused: Bool

  var isIdle: Bool { leases == 0 && holders == 0 }
}

/// A download under way.
struct LedgerDownload: Sendable {
  let slot: Int
  let stream: StreamName
  let bytes: Int
  /// Claims that were admitted and wait for it.
  var claims: [ClaimID]
  let isPrefetch: Bool
  let begun: Double
  /// False until its files have their room on the disk: until then the disk shows it as free.
  var isBacked = false
}

/// A set of shards wanted at once.
struct LedgerClaim: Sendable {
  enum Phase: Hashable, Sendable {
    /// Waits for room; holds nothing.
    case waiting
    /// Has its room; waits for so many downloads, and holds leases on the rest.
    case admitted(remaining: Int)
  }

  /// The ledger's entries, in the order of the request.
  let slots: [Int]
  /// The most bytes that they take at once.
  let bytes: Int
  let since: Double
  var phase = Phase.waiting
  /// How often a younger claim that needed no room was let past.
  var passed = 0
  /// How often the disk turned out to be full.
  var spaceFailures = 0
  var leased: [CopyID] = []
  /// It was said that the limit is tight for it.
  var isReported = false
}

/// What the ledger wants done. It has already happened as far as the ledger is concerned.
enum CacheAction: Sendable {
  /// Start this download.
  case download(DownloadID, ShardRequest, isPrefetch: Bool)
  /// Unlink these files, then call `unlinked`.
  case unlink(CopyID, CopyPlace)
  /// All shards of the claim are there, each leased once, in the order of the request.
  case grant(ClaimID, [GrantedCopy])
  case fail(ClaimID, CacheError)
  /// Remove these from quarantine, then call `quarantineCleared`: their bytes are needed.
  case clearQuarantine([String])
  /// A prefetch may be possible that was not before.
  case wakePrefetch
  /// Whoever holds shards open should look which of them to let go.
  case recall
  case report(CacheEvent)
}

/// A copy that was leased.
struct GrantedCopy: Sendable {
  let copy: CopyID
  let place: CopyPlace
  let verified: Set<String>
}

/// Files that count but are out of use.
struct QuarantinedBytes: Sendable, Hashable {
  let stream: StreamName
  let bytes: Int
  /// False for files that could not even be unlinked.
  let isRemovable: Bool
  var isLeaving = false
}
