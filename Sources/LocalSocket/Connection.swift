import LinuxSystem
import Synchronization

/// A client's connection, as the daemon has it: blocking, served by one thread of its own.
///
/// That thread receives and sends. Any other thread may `cancel`, which wakes it out of either.
public final class Connection: Sendable {
  /// Distinguishes the connections of a listener, for logs.
  public let number: UInt64
  /// Who connected, on the kernel's word.
  public let peer: PeerCredentials
  /// Under which allowance it was let in.
  public let admission: Admission

  private let channel: SocketChannel
  /// How its client comes back; only the thread that serves the connection waits, so nobody contends for it.
  private let watchfulness = Mutex(Watchfulness())
  /// When a probe's connection must be over.
  private let deadline: ContinuousClock.Instant?

  init(
    _ socket: UnixSocket, number: UInt64, peer: PeerCredentials, admission: Admission,
    deadline: ContinuousClock.Instant?
  ) {
    channel = SocketChannel(socket)
    self.number = number
    self.peer = peer
    self.admission = admission
    self.deadline = deadline
  }

  /// Receives at least one byte into `buffer` and answers how many; 0 when the client closed its end.
  ///
  /// - Parameter timeout: how long to wait for the first byte; nil for as long as it takes. A connection under the
  ///   probes' allowance never waits beyond its time.
  /// - Throws: `timedOut`, `closed` (broken off by the client, or this end is closed), `system`.
  public func receive(
    into buffer: UnsafeMutableRawBufferPointer, within timeout: Duration? = nil
  ) throws(LocalSocketError) -> Int {
    var limit = timeout
    if let deadline {
      let left = max(deadline - ContinuousClock().now, .zero)
      limit = min(limit ?? left, left)
    }
    let began = ContinuousClock.now
    var count = try look(into: buffer)
    if count == nil { count = try channel.receive(into: buffer, within: limit) }
    let waited = began.duration(to: .now) / .seconds(1)
    watchfulness.withLock { $0.came(after: waited) }
    return count ?? 0
  }

  /// What comes while it is worth looking for it; nil if the thread had better sleep.
  private func look(into buffer: UnsafeMutableRawBufferPointer) throws(LocalSocketError) -> Int? {
    let patience = watchfulness.withLock { $0.patience }
    guard patience > 0, WatchPlaces.shared.enter() else { return nil }
    defer { WatchPlaces.shared.leave() }
    return try channel.receive(into: buffer, lookingFor: patience)
  }

  /// Sends all of `parts`, gathered, with `descriptors` attached to the first byte.
  ///
  /// Waits for a client that reads slowly; one that does not read at all for the listener's send timeout costs this
  /// connection and no other.
  ///
  /// - Throws: `timedOut`, `closed`, `exhausted`, `system`. The connection is of no use afterwards: part of a frame may
  ///   have been sent.
  public func send(
    _ parts: [UnsafeRawBufferPointer], descriptors: [OwnedDescriptor] = []
  ) throws(LocalSocketError) { try channel.send(parts, descriptors: descriptors) }

  /// Sends all of `bytes`, with `descriptors` attached to the first.
  public func send(_ bytes: [UInt8], descriptors: [OwnedDescriptor] = []) throws(LocalSocketError) {
    try channel.send(bytes, descriptors: descriptors)
  }

  /// Ends the connection from any thread: the thread that serves it is woken, and the client sees the end.
  public func cancel() { channel.shutdown() }

  /// Ends the connection and gives its descriptor back, whoever still holds this object.
  func close() { channel.close() }
}
