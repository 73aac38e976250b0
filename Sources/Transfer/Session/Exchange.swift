import Dispatch
import LinuxSystem
import Synchronization

/// One request on its way: takes the session's callbacks to the `ExchangeState`, and the bytes to the file.
///
/// Callbacks arrive on the session's queue, failures from anywhere; the first of them that ends the exchange wins, and
/// what comes later is dropped. The outcome is delivered on the writing queue, after the last write: nobody touches the
/// file any more once it is known.
final class Exchange: Sendable {
  private struct Guarded {
    var exchange: ExchangeState
    /// Offset in the file after the last byte written.
    var writtenEnd: Int
    var outcome: ExchangeOutcome?
    var writeFailure: TransferFailure?
    /// All writes are done and the outcome stands.
    var isSettled = false
    var waiter: CheckedContinuation<ExchangeOutcome, Never>?
    var cancelTask: (@Sendable () -> Void)?
  }

  let request: TransferRequest
  private let file: OwnedDescriptor
  private let progress: @Sendable (Int) -> Void
  private let budget: ChunkBudget
  private let writer = DispatchQueue(label: "sluice.transfer.write", qos: .userInitiated)
  private let delivered = DispatchSemaphore(value: 0)
  private let guarded: Mutex<Guarded>
  /// Fed on the writing queue; nil when no digest is wanted.
  private let digest: ArrivalDigest?

  init(
    _ request: TransferRequest, into file: OwnedDescriptor, budget: ChunkBudget, started: Double, now: Double,
    progress: @escaping @Sendable (Int) -> Void
  ) {
    self.request = request
    self.file = file
    self.budget = budget
    self.progress = progress
    digest = ArrivalDigest(for: request)
    let exchange = ExchangeState(request, started: started, now: now)
    guarded = Mutex(Guarded(exchange: exchange, writtenEnd: request.extent.start))
  }

  // MARK: From the caller's side

  /// Waits for the outcome. `start` runs once, after the exchange can be ended, and answers how to cancel.
  func outcome(start: @escaping @Sendable () -> (@Sendable () -> Void)) async -> ExchangeOutcome {
    await withCheckedContinuation { continuation in
      let settled = guarded.withLock { guarded -> ExchangeOutcome? in
        if guarded.isSettled { return guarded.outcome }
        guarded.waiter = continuation
        return nil
      }
      if let settled {
        continuation.resume(returning: settled)
        return
      }
      let cancel = start()
      let isOver = guarded.withLock { guarded -> Bool in
        guarded.cancelTask = cancel
        return guarded.exchange.isOver
      }
      if isOver { cancel() }
    }
  }

  /// Ends the exchange unless it is over; what has arrived is written first.
  func fail(_ failure: TransferFailure) {
    guarded.withLock { end(.failed(failure), &$0) }?()
  }

  /// Ends the exchange if it is too slow; writes what has waited long enough for its chunk to fill.
  func checkPace(now: Double) {
    let cancel = guarded.withLock { guarded -> (@Sendable () -> Void)? in
      guard !guarded.exchange.isOver else { return nil }
      if let stale = guarded.exchange.takeStaleChunk(now: now) { write(stale) }
      return guarded.exchange.late(now: now).flatMap { end(.failed($0), &guarded) }
    }
    cancel?()
  }

  /// Waits, for a bounded time, until the outcome is in the caller's hands.
  func waitUntilDelivered() { _ = delivered.wait(timeout: .now() + .milliseconds(250)) }

  /// Tells `waitUntilDelivered` that the caller acts on the outcome.
  func markDelivered() { delivered.signal() }

  // MARK: From the session's queue

  func received(head: ResponseHead, now: Double, unixNow: Int) {
    let cancel = guarded.withLock { guarded -> (@Sendable () -> Void)? in
      let (bodyAt, outcome) = guarded.exchange.take(head: head, now: now, unixNow: unixNow)
      if let bodyAt { guarded.writtenEnd = bodyAt }
      return outcome.flatMap { end($0, &guarded) }
    }
    cancel?()
  }

  func received(_ bytes: UnsafeRawBufferPointer, now: Double) {
    var rest = bytes
    var hasRoom = false
    while !rest.isEmpty {
      var needsRoom = false
      let cancel = guarded.withLock { guarded -> (@Sendable () -> Void)? in
        switch guarded.exchange.take(rest, hasRoom: hasRoom, now: now) {
        case .took(let count, let full):
          if let full { write(full) }
          rest = UnsafeRawBufferPointer(rebasing: rest[count...])
          hasRoom = false
          return nil
        case .needsRoom:
          needsRoom = true
          return nil
        case .dropped:
          rest = UnsafeRawBufferPointer(rebasing: rest[rest.count...])
          return nil
        case .ended(let outcome):
          rest = UnsafeRawBufferPointer(rebasing: rest[rest.count...])
          return end(outcome, &guarded)
        }
      }
      cancel?()
      if needsRoom {
        budget.take()
        hasRoom = true
      }
    }
    if hasRoom { budget.giveBack() }
  }

  func completed(networkError: String?) {
    guarded.withLock { end($0.exchange.conclusion(networkError: networkError), &$0) }?()
  }

  // MARK: The end

  /// Ends the exchange unless it is over; answers how to cancel the task, for the caller to do without the lock.
  private func end(_ outcome: ExchangeOutcome, _ guarded: inout Guarded) -> (@Sendable () -> Void)? {
    guard !guarded.exchange.isOver else { return nil }
    guarded.outcome = outcome
    if case .failed(var failure) = outcome {
      failure.validator = guarded.exchange.validator
      guarded.outcome = .failed(failure)
    }
    guarded.exchange.markOver()
    if let last = guarded.exchange.takeChunk() { write(last) }
    writer.async { [self] in deliver() }
    return guarded.cancelTask
  }

  /// Queues a write; called under the lock, so that chunks are queued in their order.
  private func write(_ chunk: ExchangeState.Chunk) {
    writer.async { [self] in
      defer { budget.giveBack() }
      guard guarded.withLock({ $0.writeFailure == nil }) else { return }
      let failure = chunk.bytes.withUnsafeBytes { bytes -> TransferFailure? in
        do throws(SystemError) {
          try file.write(bytes, at: chunk.offset)
          return nil
        } catch { return TransferFailure(diskError: error) }
      }
      if let failure {
        guarded.withLock { $0.writeFailure = failure }
        fail(failure)
      } else {
        digest?.update(chunk)
        guarded.withLock { $0.writtenEnd = chunk.offset + chunk.bytes.count }
        progress(chunk.bytes.count)
      }
    }
  }

  private func deliver() {
    let (waiter, outcome) = guarded.withLock { guarded in
      if let failure = guarded.writeFailure { guarded.outcome = .failed(failure) }
      if case .failed(var failure) = guarded.outcome {
        failure.writtenEnd = guarded.writtenEnd
        guarded.outcome = .failed(failure)
      }
      if case .received(var receipt) = guarded.outcome, let digest {
        receipt.digest = digest.finish(at: receipt.end)
        guarded.outcome = .received(receipt)
      }
      guarded.isSettled = true
      let waiter = guarded.waiter
      guarded.waiter = nil
      return (waiter, guarded.outcome)
    }
    if let waiter, let outcome { waiter.resume(returning: outcome) }
  }
}
