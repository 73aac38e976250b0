import LinuxSystem
import Synchronization

/// Everything a `ShardCache` guards with its one lock: the books, and who has to be told of what.
struct CacheState: Sendable {
  /// One who waits for a claim.
  struct Waiting: Sendable {
    let continuation: CheckedContinuation<Result<[GrantedCopy], CacheError>, Never>
    /// Ends the wait at its deadline.
    var timer: Task<Void, Never>?
  }

  /// Files that are open as long as anybody uses them.
  struct OpenFiles: Sendable {
    weak let files: ShardFiles?
  }

  var ledger: CacheLedger
  var waiting: [ClaimID: Waiting] = [:]
  var open: [CopyID: OpenFiles] = [:]
  var progress: [DownloadID: DownloadProgress] = [:]
  /// Downloads and unlinks under way.
  var work: [Int: Task<Void, Never>] = [:]
  /// Looks at the disk again while somebody waits for it.
  var recheck: Task<Void, Never>?
  /// Wakes prefetching when a shard that failed may be tried again.
  var alarm: Task<Void, Never>?
  /// Copies found at the start whose digest was not checked again.
  var unchecked: [(copy: CopyID, record: ShardRecord)] = []
  var isClosed = false
}

/// How far a download is; read by status while it runs.
final class DownloadProgress: Sendable {
  let request: ShardRequest
  let isPrefetch: Bool
  let begun: Double
  private let received = Atomic<Int>(0)
  private let attempt = Atomic<Int>(1)
  private let lastCause = Mutex<String?>(nil)

  init(_ request: ShardRequest, isPrefetch: Bool, begun: Double) {
    self.request = request
    self.isPrefetch = isPrefetch
    self.begun = begun
  }

  func add(_ bytes: Int) { received.wrappingAdd(bytes, ordering: .relaxed) }

  /// Another attempt begins, because of `cause`.
  func again(because cause: String) {
    attempt.wrappingAdd(1, ordering: .relaxed)
    received.store(0, ordering: .relaxed)
    lastCause.withLock { $0 = cause }
  }

  var bytes: Int { received.load(ordering: .relaxed) }
  var attempts: Int { attempt.load(ordering: .relaxed) }
  var cause: String? { lastCause.withLock { $0 } }
}
