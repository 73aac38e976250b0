/// How one request and its answer ended.
enum ExchangeOutcome: Sendable, Equatable {
  case received(TransferReceipt)
  case redirect(String)
  case failed(TransferFailure)
}

/// Where one request and its answer stand: judges what the session calls back with. A plain value without I/O; times are
/// seconds on a steady clock.
///
/// It is `waiting` for a head, `receiving` a body, `explaining` (a refusal whose body may say why), or `over`.
struct ExchangeState: Sendable {
  /// Bytes of a refusal's body that are read for its reason.
  static let explanationLimit = 8 << 10
  /// Seconds that bytes wait for their chunk to fill.
  static let chunkSeconds = 0.5

  private enum Phase { case waiting, receiving, explaining(TransferFailure), over }

  /// Bytes that belong together at an offset of the file.
  struct Chunk: Sendable {
    let bytes: [UInt8]
    let offset: Int
  }

  /// What became of bytes that arrived.
  enum Step {
    /// So many were taken; a chunk may be full now.
    case took(Int, full: Chunk?)
    /// There is no chunk to put them in: get room for one first.
    case needsRoom
    case dropped
    case ended(ExchangeOutcome)
  }

  let request: TransferRequest
  private var phase = Phase.waiting
  private var pace: PaceWatch
  private var head: ResponseHead?
  private var nextOffset: Int
  private var moved = 0
  private var promised: Int?
  private var chunk: [UInt8]?
  private var chunkStarted = 0.0
  private var explanation: [UInt8] = []

  init(_ request: TransferRequest, started: Double, now: Double) {
    self.request = request
    pace = PaceWatch(limits: request.limits, now: started)
    pace.received(0, now: now)
    nextOffset = request.extent.start
  }

  private var name: String { request.url.textWithoutQuery }

  var isOver: Bool {
    if case .over = phase { return true }
    return false
  }

  /// The strong ETag of what is arriving.
  var validator: String? { head?.strongValidator }

  mutating func markOver() { phase = .over }

  /// The head has arrived. Answers the offset at which a body begins, and the outcome if there will be none.
  mutating func take(head: ResponseHead, now: Double, unixNow: Int) -> (bodyAt: Int?, outcome: ExchangeOutcome?) {
    guard case .waiting = phase else { return (nil, nil) }
    pace.received(0, now: now)
    switch ResponseCheck.judge(head, for: request, now: unixNow) {
    case .ignore: return (nil, nil)
    case .redirect(let location): return (nil, .redirect(location))
    case .body(let offset, let length):
      self.head = head
      phase = .receiving
      promised = length
      nextOffset = offset
      return (offset, nil)
    case .failure(let failure):
      guard head.status >= 400, head.status != 401 else { return (nil, .failed(failure)) }
      phase = .explaining(failure)
      return (nil, nil)
    }
  }

  /// Bytes have arrived.
  ///
  /// - Parameter hasRoom: the caller holds room for one new chunk.
  mutating func take(_ bytes: UnsafeRawBufferPointer, hasRoom: Bool, now: Double) -> Step {
    switch phase {
    case .waiting, .over: return .dropped
    case .explaining:
      explanation += bytes.prefix(Self.explanationLimit - explanation.count)
      guard explanation.count >= Self.explanationLimit, let failure = explained else { return .dropped }
      return .ended(.failed(failure))
    case .receiving: break
    }
    guard nextOffset + bytes.count <= request.extent.end else {
      return .ended(
        .failed(TransferFailure(.transient, .tooLong, "\(name) sends more than \(request.extent.end) bytes")))
    }
    if chunk == nil {
      guard hasRoom else { return .needsRoom }
      var fresh: [UInt8] = []
      fresh.reserveCapacity(min(ChunkBudget.chunkBytes, request.extent.end - nextOffset))
      chunk = fresh
      chunkStarted = now
    }
    let held = chunk?.count ?? 0
    let count = min(bytes.count, ChunkBudget.chunkBytes - held)
    chunk?.append(contentsOf: bytes.prefix(count))
    nextOffset += count
    moved += count
    pace.received(count, now: now)
    return .took(count, full: held + count >= ChunkBudget.chunkBytes ? takeChunk() : nil)
  }

  /// The bytes gathered so far, if there are any.
  mutating func takeChunk() -> Chunk? {
    guard let bytes = chunk else { return nil }
    chunk = nil
    return Chunk(bytes: bytes, offset: nextOffset - bytes.count)
  }

  /// The bytes gathered so far, if they have waited long enough.
  mutating func takeStaleChunk(now: Double) -> Chunk? {
    now - chunkStarted >= Self.chunkSeconds ? takeChunk() : nil
  }

  /// Why the exchange must end now, or nil.
  func late(now: Double) -> TransferFailure? {
    pace.verdict(now: now, name: name).map { explained ?? $0 }
  }

  /// A refusal with what its body said.
  private var explained: TransferFailure? {
    guard case .explaining(var failure) = phase else { return nil }
    failure.add(explanation: explanation)
    return failure
  }

  /// The session says that the exchange is over.
  func conclusion(networkError: String?) -> ExchangeOutcome {
    if let explained { return .failed(explained) }
    if let networkError {
      let cause: TransferFailure.Cause = moved > 0 ? .truncated : .network
      return .failed(TransferFailure(.transient, cause, "\(name) broke off: \(networkError)"))
    }
    guard case .receiving = phase, let head else {
      return .failed(TransferFailure(.transient, .network, "\(name) ended without an answer"))
    }
    var wanted = promised.map { nextOffset - moved + $0 }
    if case .exactly(let range, _) = request.extent { wanted = range.upperBound }
    if let wanted, nextOffset < wanted {
      return .failed(TransferFailure(.transient, .truncated, "\(name) ended after \(nextOffset) of \(wanted) bytes"))
    }
    return .received(
      TransferReceipt(end: nextOffset, moved: moved, validator: validator, lastModified: head["last-modified"]))
  }
}
