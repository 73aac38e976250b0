import Dispatch

/// Runs tasks on threads of their own, so that long computations never hold a thread of the cooperative pool.
final class QueueExecutor: TaskExecutor {
  private let queue: DispatchQueue

  /// - Parameter label: what the threads are called in a debugger.
  init(label: String) { queue = DispatchQueue(label: label, qos: .userInitiated, attributes: .concurrent) }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
