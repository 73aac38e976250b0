import LinuxSystem
import Synchronization
import SystemPackage

/// A connection to a daemon, as its client has it: blocking, with a queue of received descriptors.
///
/// Any thread may `close` it, which wakes the one that waits. It has the shape of `WireProtocol.FrameTransport`.
public final class ClientConnection: Sendable {
  /// Descriptors that may wait in the queue: four full frames' worth, of which an honest daemon needs two.
  public static let queueLimit = 4 * UnixSocket.descriptorLimit

  /// The daemon, on the kernel's word.
  public let peer: PeerCredentials

  private let channel: SocketChannel
  private let queue = Mutex<[OwnedDescriptor]>([])
  private let timeout: Duration?

  private init(_ socket: UnixSocket, peer: PeerCredentials, timeout: Duration?) {
    channel = SocketChannel(socket)
    self.peer = peer
    self.timeout = timeout
  }

  /// Connects to the daemon at `path`.
  ///
  /// - Parameters:
  ///   - connectTimeout: how long to wait while the daemon's queue is full.
  ///   - timeout: how long a send or a receive may make no progress; nil for as long as it takes.
  /// - Throws: `unavailable` when nobody listens there now, `timedOut`, `configuration` for a path that cannot be or a
  ///   socket this user may not use, `exhausted`, `system`.
  public static func connect(
    to path: String, within connectTimeout: Duration = .seconds(10), timeout: Duration? = nil
  ) throws(LocalSocketError) -> ClientConnection {
    guard let address = UnixAddress(path: path) else {
      throw LocalSocketError(
        .configuration,
        "socket path \"\(path)\" has \(path.utf8.count) bytes; from 1 to \(UnixAddress.pathLimit) are possible")
    }
    do throws(SystemError) {
      let socket = try UnixSocket.make()
      try socket.setSendTimeout(connectTimeout)
      try socket.connect(to: address)
      try socket.setSendTimeout(timeout)
      return ClientConnection(socket, peer: try socket.peerCredentials(), timeout: timeout)
    } catch {
      throw explain(error, path)
    }
  }

  /// Sends all of `bytes`.
  public func send(_ bytes: [UInt8]) throws(LocalSocketError) { try channel.send(bytes, descriptors: []) }

  /// Receives at least one byte into `buffer` and answers how many, or 0 when the daemon closed its end. Descriptors
  /// that come along go into the queue.
  ///
  /// - Throws: `descriptorsCut` when this process may not open as many files as were passed, `timedOut`, `closed`.
  public func receive(into buffer: UnsafeMutableRawBufferPointer) throws(LocalSocketError) -> Int {
    let received = try channel.receiveMessage(into: buffer, within: timeout)
    if received.isCut {
      throw LocalSocketError(
        .descriptorsCut, "this process may not open as many files as the daemon passes; raise RLIMIT_NOFILE")
    }
    if !received.descriptors.isEmpty {
      let waiting = queue.withLock { queue in
        queue.append(contentsOf: received.descriptors)
        return queue.count
      }
      guard waiting <= Self.queueLimit else {
        throw LocalSocketError(
          .descriptorsMismatched,
          "\(waiting) descriptors came that no frame announced; at most \(Self.queueLimit) may wait")
      }
    }
    return received.bytes
  }

  /// Takes the oldest `count` descriptors off the queue.
  public func takeDescriptors(_ count: Int) throws(LocalSocketError) -> [OwnedDescriptor] {
    let taken = queue.withLock { queue -> [OwnedDescriptor]? in
      guard queue.count >= count else { return nil }
      defer { queue.removeFirst(count) }
      return Array(queue.prefix(count))
    }
    guard let taken else {
      throw LocalSocketError(.descriptorsMismatched, "a frame announces \(count) descriptors, but fewer came with it")
    }
    return taken
  }

  /// Ends the connection and gives its descriptor back, with those in the queue.
  public func close() {
    channel.close()
    queue.withLock { $0 = [] }
  }

  deinit { channel.close() }

  private static func explain(_ error: SystemError, _ path: String) -> LocalSocketError {
    switch error.errno {
    case .connectionRefused, .noSuchFileOrDirectory:
      LocalSocketError(.unavailable, "no daemon listens at \(path)", cause: error)
    case .resourceTemporarilyUnavailable:
      LocalSocketError(.timedOut, "the daemon at \(path) did not take the connection in time", cause: error)
    case .permissionDenied:
      LocalSocketError(
        .configuration, "this user may not use socket \(path): be a member of its group, or change its mode",
        cause: error)
    case .notDirectory, .protocolWrongTypeForSocket:
      LocalSocketError(.configuration, "\(path) is not a socket of a daemon", cause: error)
    case _ where error.isOutOfDescriptors:
      LocalSocketError(.exhausted, "no descriptor left for a connection", cause: error)
    default: LocalSocketError(.system, "cannot connect to \(path)", cause: error)
    }
  }
}
