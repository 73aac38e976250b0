import DaemonConfiguration
import Dispatch
import LinuxSystem
import LocalSocket
import Logging
import ServiceLifecycle
import WireProtocol

/// Accepts clients until the daemon stops; then lets the requests under way finish, for a bounded time.
struct ListenerService: Service {
  let listeners: [Listener]
  let parts: DaemonParts

  func run() async throws {
    let parts = parts
    let policy = ConnectionPolicy(
      refuse: { parts.access.refusal(of: $0) }, farewell: Self.farewell,
      observe: { Self.observe($0, parts) },
      serve: { connection in
        var loop = ConnectionLoop(connection, parts: parts)
        loop.run()
      })
    for listener in listeners { try listener.start(policy) }
    try await gracefulShutdown()
    await drain()
  }

  /// Takes no new requests, tells clients to reconnect later, and waits for the requests under way.
  ///
  /// A socket of our own goes on answering probes meanwhile, so that one who asks learns that the daemon drains. One that
  /// the service manager passed is left alone: who connects there waits in its queue for the next daemon.
  private func drain() async {
    parts.health.draining()
    let listeners = listeners
    let parts = parts
    let seconds = parts.datasets.current.drainSeconds
    await withCheckedContinuation { (done: CheckedContinuation<Void, Never>) in
      DispatchQueue.global().async {
        for listener in listeners {
          if listener.isAdopted { Self.stop(listener, parts) } else { listener.setLimit(connections: 0) }
        }
        parts.drain.begin()
        let deadline = ContinuousClock.now + .seconds(seconds)
        parts.drain.waitUntilIdle(until: deadline)
        for listener in listeners where !listener.isAdopted { Self.stop(listener, parts) }
        for listener in listeners { listener.disconnect() }
        for listener in listeners where !listener.waitUntilIdle(within: .seconds(2)) {
          parts.logger.warning("connections were cut off before their requests were finished")
        }
        done.resume()
      }
    }
  }

  private static func stop(_ listener: Listener, _ parts: DaemonParts) {
    do { try listener.stop() } catch { parts.logger.warning("socket", metadata: ["error": "\(error)"]) }
  }

  private static func farewell(_ refusal: Refusal) -> [UInt8] {
    let reply =
      switch refusal {
      case .tooManyConnections(let limit):
        ErrorReply(
          .tooManyConnections, retry: .after(milliseconds: 1_000),
          message: "all \(limit) connections are taken (limits.connections)")
      case .notPermitted(let reason): ErrorReply(.notPermitted, message: reason)
      case .exhausted(let error):
        ErrorReply(
          .tooManyConnections, retry: .after(milliseconds: 1_000),
          message: "the daemon has no descriptor or thread left: \(error)")
      }
    return reply.frame(request: 0)
  }

  private static func observe(_ event: ConnectionPolicy.Event, _ parts: DaemonParts) {
    switch event {
    case .accepted(let connection):
      parts.logger.debug(
        "connection", metadata: ["connection": "\(connection.number)", "peer": "\(connection.peer)"])
    case .refused(let peer, let refusal):
      parts.logger.warning(
        "connection refused",
        metadata: ["peer": "\(peer.map { "\($0)" } ?? "unknown")", "reason": "\(refusal)"])
    case .closed(let connection):
      parts.logger.debug("connection closed", metadata: ["connection": "\(connection.number)"])
    case .failed(let error):
      parts.logger.critical("the socket accepts no more", metadata: ["error": "\(error)"])
      parts.health.trouble("socket", "the socket accepts no more: \(error)")
    }
  }
}
