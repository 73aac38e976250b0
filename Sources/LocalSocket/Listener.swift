import Dispatch
import LinuxSystem
import Synchronization

/// A listening socket: accepts clients on a thread of its own and gives each a thread of its own.
///
/// Life: made by `bind` or `adopt`; `start` once; `stop` ends accepting and leaves the connections; `disconnect` ends
/// those; `waitUntilIdle` waits for their threads' work. Every connection's place and descriptor are given back when
/// its `serve` returns, which it does when the client is gone.
public final class Listener: Sendable {
  /// Clients that may wait to be accepted; the kernel's own limit (net.core.somaxconn) is 4,096 by default.
  public static let backlog = 1024

  let socket: UnixSocket
  /// The socket file that is ours to remove; nil for an adopted socket.
  private let file: (SocketFile, SocketFile.Identity)?
  private let limits: ConnectionLimits
  let ledger: Mutex<ConnectionLedger<Connection>>
  /// Entered once for every connection, left when its thread's work is done.
  private let threads = DispatchGroup()
  private let wake: WakeEvent
  private let acceptor = Mutex<SystemThread?>(nil)

  private init(
    _ socket: UnixSocket, file: (SocketFile, SocketFile.Identity)?, limits: ConnectionLimits
  ) throws(LocalSocketError) {
    do throws(SystemError) {
      // A client may be gone between poll and accept, and another process may share the socket: never block there.
      try socket.setBlocking(false)
      wake = try WakeEvent()
    } catch { throw LocalSocketError(.system, "cannot prepare the listening socket", cause: error) }
    self.socket = socket
    self.file = file
    self.limits = limits
    ledger = Mutex(ConnectionLedger(connections: limits.connections, probes: limits.probes))
  }

  /// Makes the socket file and listens there.
  ///
  /// - Throws: `addressInUse` when a daemon listens at the path (a dead daemon's socket file is replaced),
  ///   `configuration`, `exhausted`, `system`.
  public static func bind(
    _ address: ListenerAddress, limits: ConnectionLimits = ConnectionLimits()
  ) throws(LocalSocketError) -> Listener {
    let (socket, identity) = try address.bind(backlog: backlog)
    return try Listener(
      socket, file: identity.map { (SocketFile(path: address.path), $0) }, limits: limits)
  }

  /// Listens on a socket that the service manager opened; its file stays the service manager's.
  public static func adopt(
    _ activated: ActivatedSocket, limits: ConnectionLimits = ConnectionLimits()
  ) throws(LocalSocketError) -> Listener {
    try Listener(activated.socket, file: nil, limits: limits)
  }

  /// Whether the service manager opened the socket.
  public var isAdopted: Bool { file == nil }

  /// Begins to accept. To be called once.
  public func start(_ policy: ConnectionPolicy) throws(LocalSocketError) {
    do throws(SystemError) {
      let loop = AcceptLoop(listener: self, limits: limits, policy: policy, wake: wake)
      let thread = try SystemThread.start("sluice-accept", stackBytes: limits.stackBytes) { loop.run() }
      acceptor.withLock { acceptor in
        precondition(acceptor == nil, "a listener is started once")
        acceptor = thread
      }
    } catch { throw LocalSocketError(.exhausted, "no thread left for the listener", cause: error) }
  }

  /// Accepts no more, and removes the socket file if it is still ours. Connections go on. Not for the listener's own
  /// callbacks.
  public func stop() throws(LocalSocketError) {
    ledger.withLock { $0.close() }
    wake.signal()
    let thread = acceptor.withLock { $0 }
    thread?.join()
    guard let (file, identity) = file else { return }
    do throws(SystemError) {
      // A daemon that has taken over the path since has put its own socket there.
      if try file.identity() == identity { try file.remove() }
    } catch { throw LocalSocketError(.system, "cannot remove socket \(file.path)", cause: error) }
  }

  /// Ends every connection.
  public func disconnect() {
    for connection in connections { connection.cancel() }
  }

  /// Waits until no connection is served; false if that takes longer than `timeout`.
  public func waitUntilIdle(within timeout: Duration) -> Bool {
    // A century is as good as for ever, and its nanoseconds fit.
    let parts = min(timeout, .seconds(100 * 365 * 86_400)).components
    let nanoseconds = Int(parts.seconds) * 1_000_000_000 + Int(parts.attoseconds / 1_000_000_000)
    return threads.wait(timeout: .now() + .nanoseconds(nanoseconds)) == .success
  }

  /// Lets this many connections in from now on; those that are open stay.
  public func setLimit(connections: Int) { ledger.withLock { $0.connections = connections } }

  /// How many connections may be open.
  public var limit: Int { ledger.withLock { $0.connections } }

  /// The connections being served now.
  public var connections: [Connection] { ledger.withLock { Array($0.members.values) } }

  /// How many places are taken under an allowance.
  public func count(_ admission: Admission) -> Int { ledger.withLock { $0.count(admission) } }

  /// Serves `connection` on a thread of its own, which gives the place back at its end.
  func serve(_ connection: Connection, _ policy: ConnectionPolicy) throws(SystemError) {
    threads.enter()
    do throws(SystemError) {
      try SystemThread.start("sluice-conn", stackBytes: limits.stackBytes) { [self] in
        policy.serve(connection)
        connection.close()
        ledger.withLock { $0.leave(connection.number) }
        policy.observe(.closed(connection))
        threads.leave()
      }
    } catch {
      threads.leave()
      throw error
    }
  }
}
