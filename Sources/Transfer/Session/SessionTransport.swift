import Foundation
import FoundationNetworking
import LinuxSystem

/// Downloads through one `URLSession` of this process: a delegate data task per request, callbacks inline, bytes
/// gathered in bounded chunks and written with `pwrite` off the session's queue.
///
/// In production it only ever runs inside a fetcher process, because some of URLSession's failures end the process.
public final class SessionTransport: Transport {
  /// Connections kept to one host when nobody says how many. More than a few churn, and each new one costs 27–45 ms of
  /// CPU for its TLS handshake.
  public static let defaultConnections = 4
  /// The most connections to one host that can be asked for.
  public static let mostConnections = 64
  /// Requests under way at once; more is refused. Far below the chunks, so that every transfer can hold one.
  public static let requestLimit = 32
  /// Chunks of 256 KiB not yet written.
  static let chunkLimit = 96
  /// How often paces are judged.
  private static let tick = DispatchTimeInterval.milliseconds(100)

  private let session: URLSession
  private let delegate: SessionDelegate
  private let control = DispatchQueue(label: "sluice.transfer.control")
  private let budget = ChunkBudget(chunks: SessionTransport.chunkLimit)

  /// - Parameter connectionsPerHost: the most connections kept to one host over HTTP/1.1; HTTP/2 needs fewer.
  public init(connectionsPerHost: Int = SessionTransport.defaultConnections) {
    let configuration = URLSessionConfiguration.ephemeral
    configuration.urlCache = nil
    configuration.httpCookieStorage = nil
    configuration.httpShouldSetCookies = false
    configuration.httpCookieAcceptPolicy = .never
    configuration.urlCredentialStorage = nil
    configuration.requestCachePolicy = .reloadIgnoringLocalCacheData
    configuration.httpMaximumConnectionsPerHost = min(max(connectionsPerHost, 1), Self.mostConnections)
    let delegate = SessionDelegate(control: control)
    self.delegate = delegate
    session = URLSession(configuration: configuration, delegate: delegate, delegateQueue: InlineQueue())
    Self.watch(delegate, on: control)
  }

  /// Judges the paces at every tick, for as long as the session lives.
  private static func watch(_ delegate: SessionDelegate, on control: DispatchQueue) {
    control.asyncAfter(deadline: .now() + tick) { [weak delegate] in
      guard let delegate else { return }
      let now = Clocks.steady
      for exchange in delegate.active { exchange.checkPace(now: now) }
      watch(delegate, on: control)
    }
  }

  deinit { session.invalidateAndCancel() }

  public func perform(
    _ request: TransferRequest, into file: OwnedDescriptor, progress: @escaping @Sendable (Int) -> Void
  ) async throws(TransferFailure) -> TransferReceipt {
    try RedirectRule.check(request)
    if case .exactly(let range, _) = request.extent, range.isEmpty {
      return TransferReceipt(end: range.upperBound, moved: 0)
    }
    var request = request
    var hop = 0
    let started = Clocks.steady
    while true {
      let exchange = Exchange(
        request, into: file, budget: budget, started: started, now: Clocks.steady, progress: progress)
      switch await outcome(of: exchange) {
      case .received(let receipt): return receipt
      case .failed(let failure): throw failure
      case .redirect(let location):
        request = try RedirectRule.follow(location, from: request, hop: hop)
        hop += 1
      }
    }
  }

  private func outcome(of exchange: Exchange) async -> ExchangeOutcome {
    guard delegate.active.count < Self.requestLimit else {
      return .failed(
        TransferFailure(.transient, .fetcher, "more than \(Self.requestLimit) requests at once in one process"))
    }
    guard let urlRequest = Self.urlRequest(exchange.request) else {
      return .failed(
        TransferFailure(.permanent, .status, "\(exchange.request.url.textWithoutQuery) is no URL for a request"))
    }
    defer { exchange.markDelivered() }
    return await withTaskCancellationHandler {
      await exchange.outcome { [session, delegate, control] in
        let task = session.dataTask(with: urlRequest)
        delegate.register(exchange, task: task.taskIdentifier)
        control.async { task.resume() }
        return {
          control.async {
            task.cancel()
            delegate.forget(task: task.taskIdentifier)
          }
        }
      }
    } onCancel: {
      exchange.fail(
        TransferFailure(.cancelled, .cancelled, "\(exchange.request.url.textWithoutQuery) was cancelled"))
    }
  }

  private static func urlRequest(_ request: TransferRequest) -> URLRequest? {
    guard let url = URL(string: request.url.text) else { return nil }
    // URLSession's own idle limit only backs ours up: whole seconds, and never infinite.
    let backstop = min(max(request.limits.idleSeconds.rounded(.up), 1), 86400) + 30
    var result = URLRequest(url: url, cachePolicy: .reloadIgnoringLocalCacheData, timeoutInterval: backstop)
    result.httpMethod = "GET"
    result.httpShouldHandleCookies = false
    result.setValue("identity", forHTTPHeaderField: "Accept-Encoding")
    result.setValue("sluice", forHTTPHeaderField: "User-Agent")
    for field in request.headers { result.setValue(field.value, forHTTPHeaderField: field.name) }
    if let range = request.extent.rangeHeader {
      result.setValue(range, forHTTPHeaderField: "Range")
      if let validator = request.validator { result.setValue(validator, forHTTPHeaderField: "If-Range") }
    }
    return result
  }
}
