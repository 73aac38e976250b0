import DatasetModel
import Synchronization

/// Listens to the sources that tell when their streams change: one task a stream, ended when the stream is loaded anew,
/// reloaded or removed.
final class StreamWatches: Sendable {
  /// Least seconds between two loads of one stream because of notices; those that come meanwhile count as one.
  private let pause: Duration
  private let tasks = Mutex<[StreamName: Task<Void, Never>]>([:])

  init(pause: Duration = .seconds(1)) { self.pause = pause }

  deinit { for task in tasks.withLock({ Array($0.values) }) { task.cancel() } }

  /// Calls `changed` once when a notice comes; whoever loads the stream then begins anew with its new source.
  func begin(_ stream: StreamName, _ changes: AsyncStream<Void>, changed: @escaping @Sendable () async -> Void) {
    let pause = pause
    let task = Task {
      for await _ in changes {
        // A source that never stops telling must not have its index loaded without end.
        do { try await Task.sleep(for: pause) } catch { return }
        return await changed()
      }
    }
    tasks.withLock { $0.updateValue(task, forKey: stream) }?.cancel()
  }

  /// Listens no longer.
  func end(_ stream: StreamName) { tasks.withLock { $0.removeValue(forKey: stream) }?.cancel() }
}
