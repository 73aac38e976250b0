/// Threads for calls that block (files, decompression, digests), so that the cooperative pool never does.
///
/// Jobs run in the order in which they come, background ones only when no other waits. Threads start when they are first
/// needed, up to the bound, and end when the pool is no longer held and its jobs are done.
public final class BlockingPool: Sendable {
  /// How soon a job is wanted.
  public enum Urgency: Sendable {
    case normal
    /// Runs when nothing of normal urgency waits.
    case background
  }

  /// The most threads this pool has at once.
  public let threads: Int
  private let queue: BlockingJobs

  /// - Parameters:
  ///   - name: what the threads are called in `top` and debuggers; the kernel keeps 15 bytes.
  ///   - threads: at least 1.
  public init(name: String, threads: Int) {
    precondition(threads > 0, "a pool without threads would never run anything")
    self.threads = threads
    queue = BlockingJobs(name: name, limit: threads)
  }

  deinit { queue.close() }

  /// Runs `body` on one of the pool's threads. A cancelled task waits for it all the same: `body` cannot be stopped.
  public func run<Value: Sendable, Failure: Error>(
    _ urgency: Urgency = .normal, _ body: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let result = await withCheckedContinuation { (waiting: CheckedContinuation<Result<Value, Failure>, Never>) in
      queue.add(urgency) {
        let result: Result<Value, Failure>
        do throws(Failure) { result = .success(try body()) } catch { result = .failure(error) }
        waiting.resume(returning: result)
      }
    }
    return try result.get()
  }

  /// Jobs that wait for a thread now.
  public var waiting: Int { queue.waiting }
}
