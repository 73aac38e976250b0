import Dispatch
import Synchronization

/// Runs `body` on the cooperative pool while this thread, which must not be one of the pool's, blocks for the result.
///
/// This is the one crossing from a connection's thread to everything that is `async`.
func waitForTask<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) throws -> Value {
  let outcome = Outcome<Value>()
  Task {
    do {
      outcome.finish(.success(try await body()))
    } catch {
      outcome.finish(.failure(error))
    }
  }
  return try outcome.wait().get()
}

/// A result that one thread leaves and another waits for.
private final class Outcome<Value: Sendable>: Sendable {
  private let result = Mutex<Result<Value, any Error>?>(nil)
  private let ready = DispatchSemaphore(value: 0)

  func finish(_ value: Result<Value, any Error>) {
    result.withLock { $0 = value }
    ready.signal()
  }

  func wait() -> Result<Value, any Error> {
    ready.wait()
    guard let value = result.withLock({ $0 }) else { preconditionFailure("signalled without a result") }
    return value
  }
}
