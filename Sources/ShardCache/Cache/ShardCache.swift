import DatasetModel
import LinuxSystem
import Synchronization

/// The machine's one cache of shards, in a directory of its own.
///
/// What it decides, it decides in a `CacheLedger` inside one lock; what follows (downloads, unlinks, waking those who
/// wait) happens after the lock is given back. Copies are committed by rename after their size and digest were checked,
/// are never changed afterwards, and leave by unlink.
public final class ShardCache: Sendable {
  /// How a cache is set up.
  public struct Options: Sendable {
    public var limits: CacheLimits
    /// Told of what an operator may want to read; called from any thread, outside of locks.
    public var onEvent: @Sendable (CacheEvent) -> Void
    /// For tests.
    public var observer: any StagingObserver
    /// For tests: seconds on a clock of their own in place of the machine's.
    public var clock: (@Sendable () -> Double)?
    /// How soon a full disk is looked at again; for tests.
    var firstDiskLook = Duration.milliseconds(250)

    public init(limits: CacheLimits = CacheLimits(), onEvent: @escaping @Sendable (CacheEvent) -> Void = { _ in }) {
      self.limits = limits
      self.onEvent = onEvent
      observer = NoObserver()
    }
  }

  /// Where it lies, for status.
  public let path: String
  let files: CacheFiles
  let pool: BlockingPool
  let options: Options
  let state: Mutex<CacheState>
  let local: LocalShards
  /// One element whenever prefetching may find something to do.
  let wakes: AsyncStream<Void>
  let wake: AsyncStream<Void>.Continuation
  /// Grows whenever shards that clients hold open have become unwanted.
  let recallCount = Atomic<Int>(0)
  private let lock: DirectoryLock
  private let start = ContinuousClock.now

  private init(
    path: String, files: CacheFiles, pool: BlockingPool, options: Options, lock: DirectoryLock, ledger: CacheLedger
  ) {
    self.path = path
    self.files = files
    self.pool = pool
    self.options = options
    self.lock = lock
    local = LocalShards(pool: pool)
    state = Mutex(CacheState(ledger: ledger))
    (wakes, wake) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
  }

  /// Takes the directory, makes it where it is missing, and recovers what an earlier run left in it.
  ///
  /// - Throws: `locked`, naming the other process; `directory` when the disk does not let it work.
  public static func open(
    directory path: String, pool: BlockingPool, options: Options = Options()
  ) async throws(CacheError) -> (cache: ShardCache, report: RecoveryReport) {
    let opened: (CacheFiles, DirectoryLock, Recovery, Int)
    do {
      opened = try await pool.run { () throws in
        let layout = try CacheLayout(path: path)
        let lock = try DirectoryLock(layout.root)
        let files = CacheFiles(layout: layout, observer: options.observer)
        return (files, lock, try Recovery.run(files), try layout.root.freeSpace().available)
      }
    } catch let error as DirectoryLock.Failure {
      throw ShardCache.refusal(path, error)
    } catch let error as SystemError {
      throw CacheError(.directory, "cache directory \(path): \(error)", cause: error)
    } catch {
      throw CacheError(.directory, "cache directory \(path): \(error)", cause: error)
    }
    let (files, lock, recovery, free) = opened
    var ledger = CacheLedger(limits: options.limits)
    ledger.pins = recovery.pins
    let adopted = recovery.copies.map { record, place in
      (copy: ledger.adopt(record.key, record.facts, place: place, verified: record.verified), record: record)
    }
    for copy in recovery.quarantine { ledger.adoptQuarantined(copy.name, stream: copy.stream, bytes: copy.bytes) }
    ledger.sampled(diskFree: free)
    let cache = ShardCache(path: path, files: files, pool: pool, options: options, lock: lock, ledger: ledger)
    cache.state.withLock { $0.unchecked = adopted }
    for event in recovery.events { options.onEvent(event) }
    cache.transition { ledger, now in
      var actions: [CacheAction] = []
      ledger.trim(now: now, &actions)
      return actions
    }
    return (cache, recovery.report)
  }

  private static func refusal(_ path: String, _ failure: DirectoryLock.Failure) -> CacheError {
    guard case .held(_, let process) = failure else {
      return CacheError(.directory, "cache directory \(path): \(failure)", cause: failure)
    }
    let owner = process.map { "process \($0)" } ?? "another process"
    return CacheError(
      .locked,
      "cache directory \(path) belongs to \(owner), and two daemons cannot share one; stop that one, or give "
        + "this one another directory", cause: failure)
  }

  /// Seconds since the cache was opened: the ledger's clock.
  var now: Double {
    if let clock = options.clock { return clock() }
    let elapsed = (ContinuousClock.now - start).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) / 1e18
  }

  /// Changes the ledger and then does what it asks for.
  func transition(_ body: (inout CacheLedger, Double) -> [CacheAction]) {
    let now = now
    let (actions, isShort) = state.withLock { state in
      let actions = body(&state.ledger, now)
      return (actions, state.ledger.isShortOfDisk)
    }
    if !actions.isEmpty || isShort { act(actions) }
  }

  /// Stops: those who wait are told, downloads are cancelled, unlinks finished, and the directory is given back. Leases
  /// that are still out stay readable.
  public func close() async {
    let (waiting, work, timers) = state.withLock { state in
      state.isClosed = true
      defer { state.waiting = [:] }
      return (state.waiting, state.work, [state.recheck, state.alarm])
    }
    wake.finish()
    for timer in timers { timer?.cancel() }
    for one in waiting.values {
      one.timer?.cancel()
      one.continuation.resume(returning: .failure(CacheError(.closed, "the cache is closing")))
    }
    for task in work.values { task.cancel() }
    // What ends may begin more, such as an unlink.
    while let (number, task) = state.withLock({ $0.work.first }) {
      await task.value
      state.withLock { $0.work[number] = nil }
    }
    lock.release()
  }
}
