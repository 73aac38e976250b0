import LinuxSystem
import Synchronization

/// Everything a `ShardCache` guards with its one lock: the books, and who has to be told of what.
struct CacheState: Sendable {
  /// One who waits for a claim.
  struct Waiting: Sendable {
    let continuation: CheckedContinuation<Result<[GrantedCopy], CacheError>, Never>
    /// Ends the wait at its deadline.
    var timer: Task<Void, Never>?
    /// Told of what arrives.
    let wait: ShardWait?
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
  private let clock: @Sendable () -> Double
  private let received = Atomic<Int>(0)
  private let attempt = Atomic<Int>(1)
  private let lastCause = Mutex<String?>(nil)
  private let phases = Mutex(PhaseTimeline())
  private let hadTurn = Atomic<Bool>(false)

  /// - Parameter clock: the cache's.
  init(_ request: ShardRequest, isPrefetch: Bool, clock: @escaping @Sendable () -> Double) {
    self.request = request
    self.isPrefetch = isPrefetch
    self.clock = clock
    begun = clock()
  }

  /// Bytes came. None at all is the word that its turn has come: until then it was not being fetched, but waited.
  func add(_ bytes: Int) {
    guard !hadTurn.exchange(true, ordering: .relaxed), bytes == 0 else {
      received.wrappingAdd(bytes, ordering: .relaxed)
      return
    }
    let now = clock()
    phases.withLock { phases in
      guard phases.phase == .download else { return }
      phases.recast(as: .queue)
      phases.enter(.download, now: now)
    }
  }

  /// Its source is asked for bytes from now on.
  func fetches() {
    hadTurn.store(false, ordering: .relaxed)
    enter(.download)
  }

  /// It is in another phase from now on.
  func enter(_ phase: ShardPhase) {
    let now = clock()
    phases.withLock { $0.enter(phase, now: now) }
  }

  /// In the pass that ends now, `seconds` were spent on another phase than the one it is in.
  func carve(_ seconds: Double, for phase: ShardPhase) {
    let now = clock()
    phases.withLock { $0.carve(seconds, for: phase, now: now) }
  }

  var timeline: PhaseTimeline { phases.withLock { $0 } }

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
