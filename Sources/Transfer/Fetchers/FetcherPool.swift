import Dispatch
import LinuxSystem
import Synchronization

/// Downloads in fetcher processes: bounded in number, started when there is work, replaced when they die, hang or answer
/// nonsense. A lost fetcher costs its requests a new start, never the daemon anything.
public final class FetcherPool: Transport {
  /// How many processes, and how much each carries.
  public struct Configuration: Sendable {
    /// The most fetcher processes; more than there are cores gain nothing.
    public var fetchers: Int
    /// Seconds without a sign of life after which a busy fetcher is replaced.
    public var silenceSeconds = 15.0
    /// The most connections that each process keeps to one host over HTTP/1.1: 1 to 64.
    public var connectionsPerHost: Int

    /// - Parameter fetchers: 0 for the default, half the cores, at least 2 and at most 8.
    public init(fetchers: Int = 0, connectionsPerHost: Int = SessionTransport.defaultConnections) {
      self.fetchers = fetchers > 0 ? min(fetchers, 64) : min(max(2, ProcessSettings.cores / 2), 8)
      self.connectionsPerHost = connectionsPerHost
    }
  }

  private struct Pending {
    let request: TransferRequest
    let file: OwnedDescriptor
    let progress: @Sendable (Int) -> Void
    let waiter: CheckedContinuation<Result<TransferReceipt, TransferFailure>, Never>
  }

  private struct State {
    var ledger: FetcherLedger
    var nextID = 0
    var pending: [Int: Pending] = [:]
    var links: [Int: FetcherLink] = [:]
    var isTicking = false
    var isClosed = false
    var ended = 0
  }

  private let command: FetcherCommand
  private let observer: @Sendable (FetcherEvent) -> Void
  private let clock = DispatchQueue(label: "sluice.fetchers.clock")
  private let state: Mutex<State>

  /// - Parameter observer: told of processes that start and end; called from any thread.
  public init(
    configuration: Configuration = Configuration(), command: FetcherCommand = .thisExecutable,
    observer: @escaping @Sendable (FetcherEvent) -> Void = { _ in }
  ) {
    self.command = command
    self.observer = observer
    var ledger = FetcherLedger.Configuration()
    ledger.fetchers = configuration.fetchers
    ledger.silenceSeconds = configuration.silenceSeconds
    ledger.connectionsPerHost = min(max(configuration.connectionsPerHost, 1), SessionTransport.mostConnections)
    state = Mutex(State(ledger: FetcherLedger(ledger)))
  }

  deinit { close() }

  /// Ends every fetcher; what is under way and what comes later fails.
  public func close() {
    state.withLock { state in
      state.isClosed = true
      for link in state.links.values { link.process.end() }
      for pending in state.pending.values {
        pending.waiter.resume(returning: .failure(TransferFailure(.cancelled, .cancelled, "downloads are closing")))
      }
      state.pending.removeAll()
    }
  }

  /// What the pool is doing now.
  public var snapshot: FetcherPoolSnapshot {
    state.withLock { state in
      FetcherPoolSnapshot(
        waiting: state.ledger.waiting, running: state.ledger.running,
        processIDs: state.links.sorted { $0.key < $1.key }.map(\.value.process.processID), ended: state.ended)
    }
  }

  public func perform(
    _ request: TransferRequest, into file: OwnedDescriptor, progress: @escaping @Sendable (Int) -> Void
  ) async throws(TransferFailure) -> TransferReceipt {
    try RedirectRule.check(request)
    guard FetcherOrder.start(id: 0, request).encoded().count <= FetcherProtocol.messageLimit,
      request.headers.count <= FetcherProtocol.headerLimit
    else {
      throw TransferFailure(
        .permanent, .status,
        "\(request.url.textWithoutQuery): the request is longer than \(FetcherProtocol.messageLimit) bytes")
    }
    let id = state.withLock { state in
      state.nextID += 1
      return state.nextID
    }
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { waiter in
        submit(id, Pending(request: request, file: file, progress: progress, waiter: waiter))
        if Task.isCancelled { cancel(id) }
      }
    } onCancel: {
      cancel(id)
    }
    return try result.get()
  }
}

/// A fetcher pool at one moment.
public struct FetcherPoolSnapshot: Sendable, Hashable {
  /// Requests that wait for a fetcher.
  public let waiting: Int
  /// Requests on a fetcher.
  public let running: Int
  public let processIDs: [Int32]
  /// Processes that have ended since the start, for whatever reason.
  public let ended: Int
}

// MARK: - Transitions

extension FetcherPool {
  private func submit(_ id: Int, _ pending: Pending) {
    state.withLock { state in
      guard !state.isClosed else {
        pending.waiter.resume(returning: .failure(TransferFailure(.cancelled, .cancelled, "downloads are closed")))
        return
      }
      state.pending[id] = pending
      let extent = pending.request.extent
      let bytes: Int
      if case .exactly(let range, _) = extent { bytes = range.count } else { bytes = 0 }
      act(
        state.ledger.submit(
          id, bytes: bytes, deadlineSeconds: pending.request.limits.deadlineSeconds, now: Clocks.steady), &state)
      startTicking(&state)
    }
  }

  private func cancel(_ id: Int) {
    state.withLock { state in
      guard let pending = state.pending[id] else { return }
      if state.ledger.withdraw(id) {
        state.pending[id] = nil
        let name = pending.request.url.textWithoutQuery
        pending.waiter.resume(
          returning: .failure(TransferFailure(.cancelled, .cancelled, "\(name) was cancelled while it waited")))
      } else if let fetcher = state.ledger.fetcher(of: id) {
        // The outcome comes from the fetcher, so that nobody writes the file any more when the caller goes on.
        send(.cancel(id: id), file: nil, to: fetcher, &state)
      }
    }
  }

  /// Performs the ledger's actions. Under the lock: none of them blocks, and their order matters.
  private func act(_ actions: [FetcherLedger.Action], _ state: inout State) {
    for action in actions {
      switch action {
      case .start(let fetcher): start(fetcher, &state)
      case .send(let id, let fetcher):
        if let pending = state.pending[id] {
          // No bytes yet, but its turn has come: who measures waiting is told so.
          pending.progress(0)
          send(.start(id: id, pending.request), file: pending.file, to: fetcher, &state)
        }
      case .end(let fetcher), .release(let fetcher): state.links[fetcher]?.process.end()
      case .fail(let id, let reason):
        guard let pending = state.pending.removeValue(forKey: id) else { continue }
        let message = "\(pending.request.url.textWithoutQuery): \(reason)"
        pending.waiter.resume(returning: .failure(TransferFailure(.transient, .fetcher, message)))
      }
    }
  }

  private func send(_ order: FetcherOrder, file: OwnedDescriptor?, to fetcher: Int, _ state: inout State) {
    guard let link = state.links[fetcher] else { return }
    do throws(SystemError) {
      try link.socket.send(order.encoded(), passing: file, waits: false)
    } catch {
      link.process.end()  // It does not listen; its supervisor sees the end and the requests go elsewhere.
    }
  }

  private func start(_ fetcher: Int, _ state: inout State) {
    do throws(SystemError) {
      try SystemThread.start("fetcher-\(fetcher)") { [command, observer, weak self] in
        // The thread holds the pool only for as long as it tells it something.
        Self.supervise(fetcher, command, observer) { [weak self] in self }
      }
    } catch {
      let reason = "no thread can be started: \(error)"
      act(state.ledger.lost(fetcher, reason: reason, now: Clocks.steady), &state)
    }
  }

  private static func supervise(
    _ fetcher: Int, _ command: FetcherCommand, _ observer: @Sendable (FetcherEvent) -> Void,
    _ pool: @Sendable () -> FetcherPool?
  ) {
    let link: FetcherLink
    do throws(SystemError) {
      link = try FetcherLink.start(command)
    } catch {
      observer(.ended(processID: nil, reason: "\(error)", requestsUnderWay: 0))
      pool()?.lost(fetcher, reason: "\(error)")
      return
    }
    observer(.started(processID: link.process.processID))
    guard pool()?.adopt(link, fetcher) == true else {
      _ = link.supervise { _ throws(MalformedMessage) in throw MalformedMessage() }
      return
    }
    let reason = link.supervise { report throws(MalformedMessage) in try pool()?.handle(report, from: fetcher) }
    let requests = pool()?.lost(fetcher, reason: reason) ?? 0
    observer(.ended(processID: link.process.processID, reason: reason, requestsUnderWay: requests))
  }

  private func adopt(_ link: FetcherLink, _ fetcher: Int) -> Bool {
    state.withLock { state in
      if state.isClosed {
        link.process.end()
        return false
      }
      state.links[fetcher] = link
      send(.begin(connectionsPerHost: state.ledger.configuration.connectionsPerHost), file: nil, to: fetcher, &state)
      return true
    }
  }

  @discardableResult
  private func lost(_ fetcher: Int, reason: String) -> Int {
    state.withLock { state in
      state.links[fetcher] = nil
      state.ended += 1
      guard !state.isClosed else { return 0 }
      let before = state.ledger.running
      let actions = state.ledger.lost(fetcher, reason: reason, now: Clocks.steady)
      act(actions, &state)
      return before - state.ledger.running
    }
  }

  private func handle(_ report: FetcherReport, from fetcher: Int) throws(MalformedMessage) {
    let now = Clocks.steady
    switch report {
    case .ready(let version):
      guard version == FetcherProtocol.version else { throw MalformedMessage() }
      state.withLock { act($0.ledger.becameReady(fetcher, now: now), &$0) }
    case .progress(let list):
      let calls = state.withLock { state in
        state.ledger.gaveSign(fetcher, now: now)
        return list.compactMap { item in state.pending[item.id].map { ($0.progress, item.bytes) } }
      }
      for (progress, bytes) in calls { progress(bytes) }
    case .received(let id, let receipt):
      let pending = try conclude(id, from: fetcher, looksStuck: false, now: now) { request in
        switch request.extent {
        case .exactly(let range, let total): receipt.end == range.upperBound && receipt.moved <= total
        case .atMost(let limit): receipt.end <= limit
        }
      }
      pending?.waiter.resume(returning: .success(receipt))
    case .failed(let id, let failure):
      let looksStuck = failure.cause == .stalled || failure.cause == .deadline
      let pending = try conclude(id, from: fetcher, looksStuck: looksStuck, now: now) { _ in true }
      pending?.waiter.resume(returning: .failure(failure))
    }
  }

  private func conclude(
    _ id: Int, from fetcher: Int, looksStuck: Bool, now: Double, _ isPlausible: (TransferRequest) -> Bool
  ) throws(MalformedMessage) -> Pending? {
    let (found, isClosed) = state.withLock { state -> (Pending?, Bool) in
      guard state.ledger.fetcher(of: id) == fetcher, let pending = state.pending[id], isPlausible(pending.request)
      else { return (nil, state.isClosed) }
      state.pending[id] = nil
      act(state.ledger.concluded(id, looksStuck: looksStuck, now: now), &state)
      return (pending, false)
    }
    if found == nil, !isClosed { throw MalformedMessage() }
    return found
  }

  private func startTicking(_ state: inout State) {
    guard !state.isTicking else { return }
    state.isTicking = true
    tickLater()
  }

  private func tickLater() {
    clock.asyncAfter(deadline: .now() + .milliseconds(250)) { [weak self] in
      guard let self else { return }
      let goesOn = state.withLock { state in
        act(state.ledger.tick(now: Clocks.steady), &state)
        state.isTicking = state.ledger.waiting + state.ledger.running > 0 && !state.isClosed
        return state.isTicking
      }
      if goesOn { tickLater() }
    }
  }
}
