import LinuxSystem
import LocalSocket
import WireProtocol

/// A connection to the daemon as the protocol's client wants it.
public struct DaemonTransport: FrameTransport {
  public let connection: ClientConnection

  public init(_ connection: ClientConnection) { self.connection = connection }

  public func send(_ bytes: [UInt8]) throws { try connection.send(bytes) }

  public func receive(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    try connection.receive(into: buffer)
  }

  public func takeDescriptors(_ count: Int) throws -> [OwnedDescriptor] { try connection.takeDescriptors(count) }
}

/// Connects to a daemon and says hello.
public enum DaemonClient {
  /// - Parameters:
  ///   - path: the daemon's socket.
  ///   - name: what the daemon calls this client in logs and status.
  ///   - timeout: how long connecting, and each step of an exchange, may take.
  /// - Throws: `LocalSocketError` when nobody answers there, `WireClientError` when the daemon refuses.
  public static func connect(
    to path: String, name: String, timeout: Duration, takesDescriptors: Bool = false
  ) throws -> WireClient<DaemonTransport> {
    let connection = try ClientConnection.connect(to: path, within: timeout, timeout: timeout)
    let capabilities: ClientCapabilities = takesDescriptors ? [.descriptors] : []
    return try WireClient(
      DaemonTransport(connection),
      hello: HelloRequest(
        capabilities: capabilities, process: UInt32(PeerCredentials.ownProcess), client: name))
  }
}
