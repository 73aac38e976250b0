import DequeModule

/// Which request runs on which fetcher: a pure state machine. Its owner performs the actions and tells it what happened;
/// times are seconds on any steady clock.
///
/// A fetcher is `absent` → `starting` → `ready` → (`retiring` →) `absent`. A request waits, runs, and is forgotten when
/// its outcome is known; when its fetcher is lost it waits again, at the head of the queue.
struct FetcherLedger: Sendable {
  struct Configuration: Sendable {
    /// The most fetchers at once.
    var fetchers = 2
    /// The most connections of one fetcher to one host.
    var connectionsPerHost = SessionTransport.defaultConnections
    /// What one fetcher carries at once: a large request costs `largeCost`, a small one 1. So every large request has a
    /// connection even when all go to one host (one that waited for its turn would look stalled), and small ones queue
    /// behind each other no deeper than that.
    var capacity: Int { connectionsPerHost * largeCost }
    var largeCost = 4
    /// The most requests of one fetcher, whatever they cost.
    var requestLimit = SessionTransport.requestLimit
    /// Requests from this length on are large.
    var largeBytes = 1 << 20
    /// Fetchers that may be lost under one request before it fails.
    var lossLimit = 6
    /// From this many losses on, a request runs alone, so that it can take no other with it.
    var isolationLosses = 3
    /// Starts that may fail in a row before what waits is told.
    var startLimit = 4
    /// Seconds before the next start after a failed one, doubled each time.
    var startDelay = 0.1
    /// Seconds without a sign of life after which a busy fetcher is replaced.
    var silenceSeconds = 15.0
    /// Seconds that a request may outlast its own deadline.
    var graceSeconds = 10.0
  }

  enum Action: Equatable {
    /// Start a process for this place.
    case start(fetcher: Int)
    case send(request: Int, fetcher: Int)
    /// End the process; `lost` follows.
    case end(fetcher: Int)
    /// Let the process go: it has nothing left to do.
    case release(fetcher: Int)
    case fail(request: Int, reason: String)
  }

  private enum Life { case absent, starting, ready, retiring }

  private struct Fetcher {
    var life = Life.absent
    var load = 0
    var running: Set<Int> = []
    var lastSign = 0.0
  }

  private struct Request {
    let bytes: Int
    let deadlineSeconds: Double
    var losses = 0
    var fetcher: Int?
    var cost = 0
    var mustEndBy = Double.infinity
  }

  let configuration: Configuration
  private var fetchers: [Fetcher]
  private var requests: [Int: Request] = [:]
  private var queue: Deque<Int> = []
  private var failedStarts = 0
  private var noStartBefore = -Double.infinity

  init(_ configuration: Configuration = Configuration()) {
    self.configuration = configuration
    fetchers = Array(repeating: Fetcher(), count: configuration.fetchers)
  }

  /// Requests that wait for a fetcher.
  var waiting: Int { queue.count }
  /// Requests on a fetcher.
  var running: Int { requests.count - queue.count }
  /// Processes that are there or coming.
  var processes: Int { fetchers.count { $0.life != .absent } }

  // MARK: What the caller wants

  mutating func submit(_ id: Int, bytes: Int, deadlineSeconds: Double, now: Double) -> [Action] {
    precondition(requests[id] == nil, "a request's number is used once")
    requests[id] = Request(bytes: bytes, deadlineSeconds: deadlineSeconds)
    queue.append(id)
    return assign(now: now)
  }

  /// Forgets a request that still waits: true. False when it runs, and its fetcher must be told.
  mutating func withdraw(_ id: Int) -> Bool {
    guard let request = requests[id], request.fetcher == nil else { return false }
    requests[id] = nil
    queue.removeAll { $0 == id }
    return true
  }

  /// The fetcher a request runs on.
  func fetcher(of id: Int) -> Int? { requests[id]?.fetcher }

  // MARK: What happened

  mutating func becameReady(_ fetcher: Int, now: Double) -> [Action] {
    guard fetchers[fetcher].life == .starting else { return [] }
    fetchers[fetcher].life = .ready
    fetchers[fetcher].lastSign = now
    failedStarts = 0
    return assign(now: now)
  }

  mutating func gaveSign(_ fetcher: Int, now: Double) { fetchers[fetcher].lastSign = now }

  /// A request's outcome is known. A fetcher whose transfers stall may have lost its session: it gets no more.
  mutating func concluded(_ id: Int, looksStuck: Bool = false, now: Double) -> [Action] {
    guard let request = requests.removeValue(forKey: id), let fetcher = request.fetcher else { return [] }
    fetchers[fetcher].running.remove(id)
    fetchers[fetcher].load -= request.cost
    fetchers[fetcher].lastSign = now
    if looksStuck, fetchers[fetcher].life == .ready { fetchers[fetcher].life = .retiring }
    var actions: [Action] = []
    if fetchers[fetcher].life == .retiring, fetchers[fetcher].running.isEmpty {
      actions.append(.release(fetcher: fetcher))
    }
    return actions + assign(now: now)
  }

  /// A process is gone, or could not be started.
  mutating func lost(_ fetcher: Int, reason: String, now: Double) -> [Action] {
    let gone = fetchers[fetcher]
    fetchers[fetcher] = Fetcher()
    var actions: [Action] = []
    if gone.life == .starting {
      failedStarts += 1
      noStartBefore = now + configuration.startDelay * Double(1 << min(failedStarts - 1, 8))
    }
    for id in gone.running.sorted(by: >) {
      requests[id]?.losses += 1
      requests[id]?.fetcher = nil
      if let losses = requests[id]?.losses, losses >= configuration.lossLimit {
        requests[id] = nil
        actions.append(.fail(request: id, reason: "\(losses) fetcher processes were lost under it; the last \(reason)"))
      } else {
        queue.prepend(id)
      }
    }
    if failedStarts >= configuration.startLimit, processes == 0 {
      for id in queue {
        requests[id] = nil
        actions.append(.fail(request: id, reason: "no fetcher process starts: \(reason)"))
      }
      queue.removeAll()
      failedStarts = 0
    }
    return actions + assign(now: now)
  }

  /// Looks at the clock: fetchers that are silent or overdue end, and starts that had to wait happen.
  mutating func tick(now: Double) -> [Action] {
    var actions: [Action] = []
    for (place, fetcher) in fetchers.enumerated() where fetcher.life != .absent {
      let isBusy = !fetcher.running.isEmpty || fetcher.life == .starting
      let isSilent = isBusy && now - fetcher.lastSign > configuration.silenceSeconds
      if isSilent || fetcher.running.contains(where: { (requests[$0]?.mustEndBy ?? .infinity) < now }) {
        fetchers[place].lastSign = now  // Once is enough; `lost` follows.
        actions.append(.end(fetcher: place))
      }
    }
    return actions + assign(now: now)
  }

  // MARK: Assignment

  private mutating func assign(now: Double) -> [Action] {
    var actions: [Action] = []
    while let id = queue.first, let cost = cost(of: id) {
      guard let place = bestPlace(cost: cost) else { break }
      queue.removeFirst()
      fetchers[place].load += cost
      fetchers[place].running.insert(id)
      if fetchers[place].running.count == 1 { fetchers[place].lastSign = now }
      if var request = requests[id] {
        request.fetcher = place
        request.cost = cost
        request.mustEndBy = now + request.deadlineSeconds + configuration.graceSeconds
        requests[id] = request
      }
      actions.append(.send(request: id, fetcher: place))
    }
    return actions + startIfUseful(now: now)
  }

  private func cost(of id: Int) -> Int? {
    guard let request = requests[id] else { return nil }
    if request.losses >= configuration.isolationLosses { return configuration.capacity }
    return request.bytes >= configuration.largeBytes ? configuration.largeCost : 1
  }

  /// The ready fetcher with the least to do, if it can carry `cost` more.
  private func bestPlace(cost: Int) -> Int? {
    let ready = fetchers.indices.filter {
      fetchers[$0].life == .ready && fetchers[$0].running.count < configuration.requestLimit
    }
    guard let best = ready.min(by: { fetchers[$0].load < fetchers[$1].load }),
      fetchers[best].load + cost <= configuration.capacity
    else { return nil }
    return best
  }

  /// One more process when requests wait, or when every one there has enough to do that another core would help.
  private mutating func startIfUseful(now: Double) -> [Action] {
    var actions: [Action] = []
    while now >= noStartBefore, let place = fetchers.firstIndex(where: { $0.life == .absent }) {
      let starting = fetchers.count { $0.life == .starting }
      let isBusy = fetchers.allSatisfy { $0.life != .ready || $0.load > configuration.largeCost }
      guard queue.count > starting || (starting == 0 && running > 0 && isBusy) else { break }
      fetchers[place].life = .starting
      fetchers[place].lastSign = now
      actions.append(.start(fetcher: place))
    }
    return actions
  }
}
