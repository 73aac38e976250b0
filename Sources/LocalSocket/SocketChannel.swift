import LinuxSystem
import Synchronization

/// An open socket under either end's connection, which can be closed while others still hold it.
final class SocketChannel: Sendable {
  /// nil once closed. A call under way holds the socket itself, so the number cannot come to mean another file.
  private let socket: Mutex<UnixSocket?>

  init(_ socket: UnixSocket) { self.socket = Mutex(socket) }

  /// Receives what is there; descriptors that came along are dropped.
  func receive(
    into buffer: UnsafeMutableRawBufferPointer, within timeout: Duration?
  ) throws(LocalSocketError) -> Int {
    let socket = try open()
    try wait(for: socket, within: timeout)
    do throws(SystemError) {
      return try socket.receive(into: buffer)
    } catch { throw LocalSocketError(onConnection: error) }
  }

  /// Receives what is there or comes within `seconds`, looking again and again instead of sleeping; nil if nothing came.
  /// Other threads that are ready to run go first.
  func receive(
    into buffer: UnsafeMutableRawBufferPointer, lookingFor seconds: Double
  ) throws(LocalSocketError) -> Int? {
    let socket = try open()
    let end = ContinuousClock.now + .seconds(seconds)
    do throws(SystemError) {
      repeat {
        if let count = try socket.receiveIfThere(into: buffer) { return count }
        SystemThread.yield()
      } while ContinuousClock.now < end
      return nil
    } catch { throw LocalSocketError(onConnection: error) }
  }

  /// Receives what is there, with the descriptors that came along.
  func receiveMessage(
    into buffer: UnsafeMutableRawBufferPointer, within timeout: Duration?
  ) throws(LocalSocketError) -> UnixSocket.Received {
    let socket = try open()
    try wait(for: socket, within: timeout)
    do throws(SystemError) {
      return try socket.receiveMessage(into: buffer)
    } catch { throw LocalSocketError(onConnection: error) }
  }

  func send(
    _ parts: [UnsafeRawBufferPointer], descriptors: [OwnedDescriptor]
  ) throws(LocalSocketError) {
    let socket = try open()
    do throws(SystemError) {
      try socket.send(parts, descriptors: descriptors)
    } catch { throw LocalSocketError(onConnection: error) }
  }

  func send(_ bytes: [UInt8], descriptors: [OwnedDescriptor]) throws(LocalSocketError) {
    let outcome = bytes.withUnsafeBytes { bytes in
      Result { () throws(LocalSocketError) in try send([bytes], descriptors: descriptors) }
    }
    try outcome.get()
  }

  /// Ends the connection; the descriptor stays until `close`.
  func shutdown() { socket.withLock { $0 }?.shutdown() }

  /// Ends the connection and gives the descriptor back as soon as no call uses it.
  func close() {
    let last = socket.withLock { socket in
      defer { socket = nil }
      return socket
    }
    last?.shutdown()
  }

  private func open() throws(LocalSocketError) -> UnixSocket {
    guard let socket = socket.withLock({ $0 }) else {
      throw LocalSocketError(.closed, "this end of the connection is closed")
    }
    return socket
  }

  private func wait(for socket: UnixSocket, within timeout: Duration?) throws(LocalSocketError) {
    guard let timeout else { return }
    let readiness: UnixSocket.Readiness
    do throws(SystemError) {
      readiness = try socket.waitReadable(within: timeout)
    } catch { throw LocalSocketError(onConnection: error) }
    if readiness == .timedOut {
      throw LocalSocketError(.timedOut, "the other end sent nothing for \(timeout)")
    }
  }
}
