import Synchronization

/// How many runs a stream has at once; further ones wait their turn.
final class ExecSlots: Sendable {
  /// Who has a slot and who waits for one.
  struct Ledger {
    var free: Int
    var nextNumber = 0
    var waiting: [(number: Int, continuation: CheckedContinuation<Bool, Never>)] = []
    /// Waits that were cancelled before they began.
    var cancelled: Set<Int> = []
  }

  private let ledger: Mutex<Ledger>

  init(_ count: Int) { ledger = Mutex(Ledger(free: count)) }

  /// Runs `body` in a slot.
  ///
  /// - Throws: `CancellationError` when the task is cancelled while it waits.
  func run<Result: Sendable>(_ body: () async throws -> Result) async throws -> Result {
    try await acquire()
    defer { release() }
    return try await body()
  }

  private func acquire() async throws {
    let number = ledger.withLock { ledger in
      ledger.nextNumber += 1
      return ledger.nextNumber
    }
    let isGranted = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let answer: Bool? = ledger.withLock { ledger in
          if ledger.cancelled.remove(number) != nil { return false }
          if ledger.free > 0 {
            ledger.free -= 1
            return true
          }
          ledger.waiting.append((number, continuation))
          return nil
        }
        if let answer { continuation.resume(returning: answer) }
      }
    } onCancel: {
      cancel(number)
    }
    // A cancellation that came after the grant is the body's to notice.
    ledger.withLock { _ = $0.cancelled.remove(number) }
    guard isGranted else { throw CancellationError() }
  }

  private func cancel(_ number: Int) {
    let waiting = ledger.withLock { ledger -> CheckedContinuation<Bool, Never>? in
      guard let position = ledger.waiting.firstIndex(where: { $0.number == number }) else {
        ledger.cancelled.insert(number)
        return nil
      }
      return ledger.waiting.remove(at: position).continuation
    }
    waiting?.resume(returning: false)
  }

  private func release() {
    let next = ledger.withLock { ledger -> CheckedContinuation<Bool, Never>? in
      guard !ledger.waiting.isEmpty else {
        ledger.free += 1
        return nil
      }
      return ledger.waiting.removeFirst().continuation
    }
    next?.resume(returning: true)
  }
}
