import Dispatch
import LinuxSystem
import Synchronization

/// How one request and its answer ended.
enum ExchangeOutcome: Sendable {
  case received(TransferReceipt)
  case redirect(String)
  case failed(TransferFailure)
}

/// One request on its way: takes the session's callbacks, judges them, and hands the bytes to the file.
///
/// Callbacks arrive on the session's queue, failures from anywhere; the first of them that ends the exchange wins, and
/// what comes later is dropped. The outcome is delivered on the writing queue, after the last write: nobody touches the
/// file any more once it is known.
final class Exchange: Sendable {
  private enum Phase {
    case waiting
    case receiving
    /// A refusal whose body may say why; the failure stands already.
    case explaining(TransferFailure)
    case over
  }

  private struct State {
    var phase = Phase.waiting
    var pace: PaceWatch
    var head: ResponseHead?
    /// Offset in the file of the next byte that arrives, and after the last one written.
    var nextOffset: Int
    var writtenEnd: Int
    var moved = 0
    /// Bytes the head promised.
    var promised: Int?
    var chunk: [UInt8] = []
    var explanation: [UInt8] = []
    var outcome: ExchangeOutcome?
    var writeFailure: TransferFailure?
    /// All writes are done and the outcome stands.
    var isSettled = false
    var waiter: CheckedContinuation<ExchangeOutcome, Never>?
    var cancelTask: (@Sendable () -> Void)?
  }

  /// Bytes of a refusal's body that are read for its reason.
  static let explanationLimit = 8 << 10

  let request: TransferRequest
  private let file: OwnedDescriptor
  private let progress: @Sendable (Int) -> Void
  private let budget: ChunkBudget
  private let writer = DispatchQueue(label: "sluice.transfer.write", qos: .userInitiated)
  private let delivered = DispatchSemaphore(value: 0)
  private let state: Mutex<State>

  init(
    _ request: TransferRequest, into file: OwnedDescriptor, budget: ChunkBudget, started: Double, now: Double,
    progress: @escaping @Sendable (Int) -> Void
  ) {
    self.request = request
    self.file = file
    self.budget = budget
    self.progress = progress
    var pace = PaceWatch(limits: request.limits, now: started)
    pace.received(0, now: now)
    state = Mutex(State(pace: pace, nextOffset: request.extent.start, writtenEnd: request.extent.start))
  }

  var isOver: Bool {
    state.withLock {
      if case .over = $0.phase { return true }
      return false
    }
  }

  // MARK: From the caller's side

  /// Waits for the outcome. `start` runs once, after the exchange can be ended.
  func outcome(start: @escaping @Sendable () -> (@Sendable () -> Void)) async -> ExchangeOutcome {
    await withCheckedContinuation { continuation in
      let known = state.withLock { state -> ExchangeOutcome? in
        if state.isSettled { return state.outcome }
        state.waiter = continuation
        return nil
      }
      if let known {
        continuation.resume(returning: known)
        return
      }
      let cancel = start()
      let isOver = state.withLock { state -> Bool in
        state.cancelTask = cancel
        if case .over = state.phase { return true }
        return false
      }
      if isOver { cancel() }
    }
  }

  /// Ends the exchange unless it is over; what has arrived is written first.
  func fail(_ failure: TransferFailure) {
    end { state in
      var failure = failure
      failure.validator = state.head?.strongValidator
      return .failed(failure)
    }
  }

  /// Ends the exchange if it is too slow.
  func checkPace(now: Double) {
    let late = state.withLock { $0.pace.verdict(now: now, name: request.url.textWithoutQuery) }
    if let late, endExplaining() == nil { fail(late) }
  }

  /// Waits, for a bounded time, until the outcome is in the caller's hands.
  func waitUntilDelivered() { _ = delivered.wait(timeout: .now() + .milliseconds(250)) }

  /// Tells `waitUntilDelivered` that the caller acted on the outcome.
  func markDelivered() { delivered.signal() }

  // MARK: From the session's queue

  func received(head: ResponseHead, now: Double, unixNow: Int) {
    let verdict = ResponseCheck.judge(head, for: request, now: unixNow)
    state.withLock { state in
      guard case .waiting = state.phase else { return }
      state.pace.received(0, now: now)
      switch verdict {
      case .body(let offset, let length):
        state.head = head
        state.phase = .receiving
        state.promised = length
        state.nextOffset = offset
        state.writtenEnd = offset
      case .failure(let failure) where failure.status.map({ $0 >= 400 }) == true && head.status != 401:
        state.phase = .explaining(failure)
      case .ignore, .failure, .redirect: break
      }
    }
    switch verdict {
    case .ignore, .body: break
    case .redirect(let location): end { _ in .redirect(location) }
    case .failure(let failure):
      let explains = state.withLock { state in
        if case .explaining = state.phase { return true }
        return false
      }
      if !explains { end { _ in .failed(failure) } }
    }
  }

  func received(_ bytes: UnsafeRawBufferPointer, now: Double) {
    var rest = bytes
    while !rest.isEmpty {
      let needsChunk = state.withLock { state -> Bool in
        guard case .receiving = state.phase else { return false }
        return state.chunk.isEmpty
      }
      if needsChunk { budget.take() }
      guard let taken = accept(rest, tookChunk: needsChunk, now: now) else { return }
      rest = UnsafeRawBufferPointer(rebasing: rest[taken...])
    }
  }

  func completed(networkError: String?) {
    if endExplaining() != nil { return }
    let name = request.url.textWithoutQuery
    end { state in
      let validator = state.head?.strongValidator
      if let networkError {
        let cause: TransferFailure.Cause = state.moved > 0 ? .truncated : .network
        var failure = TransferFailure(.transient, cause, "\(name) broke off: \(networkError)")
        failure.validator = validator
        return .failed(failure)
      }
      guard case .receiving = state.phase, let head = state.head else {
        return .failed(TransferFailure(.transient, .network, "\(name) ended without an answer"))
      }
      if let short = Self.shortfall(state, self.request.extent, name) {
        var failure = short
        failure.validator = validator
        return .failed(failure)
      }
      return .received(
        TransferReceipt(
          end: state.nextOffset, moved: state.moved, validator: validator, lastModified: head["last-modified"]))
    }
  }
}

// MARK: - Parts of the transitions

extension Exchange {
  private static func shortfall(_ state: State, _ extent: Extent, _ name: String) -> TransferFailure? {
    var wanted = state.promised.map { state.nextOffset - state.moved + $0 }
    if case .exactly(let range, _) = extent { wanted = range.upperBound }
    guard let wanted, state.nextOffset < wanted else { return nil }
    return TransferFailure(.transient, .truncated, "\(name) ended after \(state.nextOffset) of \(wanted) bytes")
  }

  /// Takes up to a chunk of `bytes`; answers how many, or nil when the exchange is over.
  private func accept(_ bytes: UnsafeRawBufferPointer, tookChunk: Bool, now: Double) -> Int? {
    enum Step {
      case took(Int, full: (chunk: [UInt8], offset: Int)?)
      case tooLong
      case drop
      case explained
    }
    let step = state.withLock { state -> Step in
      if case .explaining = state.phase {
        state.explanation += bytes.prefix(Self.explanationLimit - state.explanation.count)
        return state.explanation.count >= Self.explanationLimit ? .explained : .drop
      }
      guard case .receiving = state.phase else { return .drop }
      guard state.nextOffset + bytes.count <= request.extent.end else { return .tooLong }
      if tookChunk { state.chunk.reserveCapacity(min(ChunkBudget.chunkBytes, request.extent.end - state.nextOffset)) }
      let count = min(bytes.count, ChunkBudget.chunkBytes - state.chunk.count)
      state.chunk.append(contentsOf: bytes.prefix(count))
      state.nextOffset += count
      state.moved += count
      state.pace.received(count, now: now)
      return .took(count, full: state.chunk.count >= ChunkBudget.chunkBytes ? Self.takeChunk(&state) : nil)
    }
    switch step {
    case .took(let count, let full):
      if let full { write(full.chunk, at: full.offset) }
      return count
    case .drop:
      if tookChunk { budget.giveBack() }
    case .explained: _ = endExplaining()
    case .tooLong:
      if tookChunk { budget.giveBack() }
      fail(
        TransferFailure(
          .transient, .tooLong, "\(request.url.textWithoutQuery) sends more than \(request.extent.end) bytes"))
    }
    return nil
  }

  private static func takeChunk(_ state: inout State) -> (chunk: [UInt8], offset: Int)? {
    guard !state.chunk.isEmpty else { return nil }
    let chunk = state.chunk
    state.chunk = []
    return (chunk, state.nextOffset - chunk.count)
  }

  private func write(_ chunk: [UInt8], at offset: Int) {
    writer.async { [self] in
      defer { budget.giveBack() }
      guard state.withLock({ $0.writtenEnd == offset }) else { return }  // An earlier write failed.
      let failure = chunk.withUnsafeBytes { bytes -> TransferFailure? in
        do throws(SystemError) {
          try file.write(bytes, at: offset)
          return nil
        } catch { return TransferFailure(diskError: error) }
      }
      if let failure {
        state.withLock { $0.writeFailure = $0.writeFailure ?? failure }
        fail(failure)
      } else {
        state.withLock { $0.writtenEnd = offset + chunk.count }
        progress(chunk.count)
      }
    }
  }

  /// Delivers the failure of a refusal, with what its body said; nil when there is none to deliver.
  @discardableResult
  private func endExplaining() -> Void? {
    let failure = state.withLock { state -> TransferFailure? in
      guard case .explaining(var failure) = state.phase else { return nil }
      failure.add(explanation: state.explanation)
      return failure
    }
    guard let failure else { return nil }
    end { _ in .failed(failure) }
    return ()
  }

  private func end(_ conclude: @escaping @Sendable (State) -> ExchangeOutcome) {
    let ending = state.withLock { state -> (last: (chunk: [UInt8], offset: Int)?, cancel: (@Sendable () -> Void)?)? in
      if case .over = state.phase { return nil }
      state.outcome = conclude(state)
      state.phase = .over
      return (Self.takeChunk(&state), state.cancelTask)
    }
    guard let ending else { return }
    if let last = ending.last { write(last.chunk, at: last.offset) }
    ending.cancel?()
    writer.async { [self] in deliver() }
  }

  private func deliver() {
    let (waiter, outcome) = state.withLock { state in
      if let failure = state.writeFailure { state.outcome = .failed(failure) }
      if case .failed(var failure) = state.outcome {
        failure.writtenEnd = state.writtenEnd
        state.outcome = .failed(failure)
      }
      state.isSettled = true
      let waiter = state.waiter
      state.waiter = nil
      return (waiter, state.outcome)
    }
    if let waiter, let outcome { waiter.resume(returning: outcome) }
  }
}
