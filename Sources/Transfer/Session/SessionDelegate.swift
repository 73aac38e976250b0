import Foundation
import FoundationNetworking
import Synchronization

/// Hands a session's callbacks to the exchange of their task.
final class SessionDelegate: NSObject, URLSessionDataDelegate {
  private let exchanges = Mutex<[Int: Exchange]>([:])
  private let control: DispatchQueue

  init(control: DispatchQueue) { self.control = control }

  func register(_ exchange: Exchange, task: Int) { exchanges.withLock { $0[task] = exchange } }

  func forget(task: Int) { _ = exchanges.withLock { $0.removeValue(forKey: task) } }

  /// The exchanges under way.
  var active: [Exchange] { exchanges.withLock { Array($0.values) } }

  private func exchange(of task: URLSessionTask) -> Exchange? {
    exchanges.withLock { $0[task.taskIdentifier] }
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping @Sendable (URLSession.ResponseDisposition) -> Void
  ) {
    defer { completionHandler(.allow) }  // Anything else is ignored; a refused answer's task is cancelled.
    guard let exchange = exchange(of: dataTask) else { return }
    guard let response = response as? HTTPURLResponse else {
      exchange.fail(
        TransferFailure(.permanent, .status, "\(exchange.request.url.textWithoutQuery) did not answer in HTTP"))
      return
    }
    var headers: [String: String] = [:]
    for (name, value) in response.allHeaderFields {
      if let name = name as? String, let value = value as? String { headers[name.lowercased()] = value }
    }
    exchange.received(
      head: ResponseHead(status: response.statusCode, headers: headers), now: Clocks.steady, unixNow: Clocks.unix)
    // A challenge without a realm stops the process once the body has ended: the caller must know before that.
    if response.statusCode == 401 { exchange.waitUntilDelivered() }
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    guard let exchange = exchange(of: dataTask) else { return }
    data.withUnsafeBytes { exchange.received($0, now: Clocks.steady) }
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
    guard let exchange = exchange(of: task) else { return }
    forget(task: task.taskIdentifier)
    exchange.completed(networkError: error.map(Self.text))
  }

  /// Redirects come back to the caller, who follows them with the checks that URLSession lacks.
  func urlSession(
    _ session: URLSession, task: URLSessionTask, willPerformHTTPRedirection response: HTTPURLResponse,
    newRequest request: URLRequest, completionHandler: @escaping @Sendable (URLRequest?) -> Void
  ) {
    control.async { completionHandler(nil) }
    guard let exchange = exchange(of: task) else { return }
    var headers: [String: String] = [:]
    for (name, value) in response.allHeaderFields {
      if let name = name as? String, let value = value as? String { headers[name.lowercased()] = value }
    }
    exchange.received(
      head: ResponseHead(status: response.statusCode, headers: headers), now: Clocks.steady, unixNow: Clocks.unix)
  }

  /// Unanswered, a Basic challenge hangs for ever.
  func urlSession(
    _ session: URLSession, task: URLSessionTask, didReceive challenge: URLAuthenticationChallenge,
    completionHandler: @escaping @Sendable (URLSession.AuthChallengeDisposition, URLCredential?) -> Void
  ) {
    control.async { completionHandler(.cancelAuthenticationChallenge, nil) }
  }

  private static func text(_ error: any Error) -> String {
    let text = (error as NSError).localizedDescription
    return String(text.prefix(200))
  }
}
