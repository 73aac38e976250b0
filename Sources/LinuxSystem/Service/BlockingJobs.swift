import Glibc

/// The queue behind a `BlockingPool`, shared by its threads.
///
/// Sendable although it is changed by many threads: every stored variable is read and written under `lock` only, and the
/// lock and the condition live in memory of their own that never moves.
final class BlockingJobs: @unchecked Sendable {
  typealias Job = @Sendable () -> Void

  private let name: String
  private let limit: Int
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let arrived = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var normal = JobList()
  private var background = JobList()
  private var started = 0
  private var idle = 0
  private var closed = false

  init(name: String, limit: Int) {
    self.name = name
    self.limit = limit
    lock.initialize(to: pthread_mutex_t())
    arrived.initialize(to: pthread_cond_t())
    pthread_mutex_init(lock, nil)
    pthread_cond_init(arrived, nil)
  }

  deinit {
    pthread_cond_destroy(arrived)
    pthread_mutex_destroy(lock)
    arrived.deallocate()
    lock.deallocate()
  }

  var waiting: Int { locked { normal.count + background.count } }

  func add(_ urgency: BlockingPool.Urgency, _ job: @escaping Job) {
    let stranded = locked { () -> Job? in
      switch urgency {
      case .normal: normal.append(job)
      case .background: background.append(job)
      }
      if idle < normal.count + background.count, started < limit, startThread() { started += 1 }
      pthread_cond_signal(arrived)
      // A process that cannot have a single thread more still gets its work done, on the caller's.
      return started == 0 ? next() : nil
    }
    stranded?()
  }

  /// Lets the threads end once the queue is empty.
  func close() {
    locked {
      closed = true
      pthread_cond_broadcast(arrived)
    }
  }

  private func locked<Value>(_ body: () -> Value) -> Value {
    pthread_mutex_lock(lock)
    defer { pthread_mutex_unlock(lock) }
    return body()
  }

  /// The lock must be held.
  private func next() -> Job? { normal.popFirst() ?? background.popFirst() }

  /// The lock must be held.
  private func startThread() -> Bool {
    do throws(SystemError) {
      try SystemThread.start(name) { self.serve() }
      return true
    } catch {
      return false  // The threads there are do the work, or the caller's does.
    }
  }

  private func serve() {
    while let job = awaitJob() { job() }
  }

  private func awaitJob() -> Job? {
    locked {
      while true {
        if let job = next() { return job }
        if closed { return nil }
        idle += 1
        pthread_cond_wait(arrived, lock)
        idle -= 1
      }
    }
  }
}

/// Jobs in order; taking the first is cheap.
private struct JobList {
  private var jobs: [BlockingJobs.Job?] = []
  private var taken = 0

  var count: Int { jobs.count - taken }

  mutating func append(_ job: @escaping BlockingJobs.Job) { jobs.append(job) }

  mutating func popFirst() -> BlockingJobs.Job? {
    guard taken < jobs.count else { return nil }
    let job = jobs[taken]
    jobs[taken] = nil
    taken += 1
    if taken == jobs.count || taken > 1024 {
      jobs.removeFirst(taken)
      taken = 0
    }
    return job
  }
}
