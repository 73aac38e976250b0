import LinuxSystem

/// Under which allowance a connection was let in.
public enum Admission: Hashable, Sendable {
  /// It may do everything.
  case full
  /// The connections are all taken: it may only ask how the daemon is doing, and not for long, so that a health probe
  /// is answered under full load.
  case probeOnly
}

/// Why a connection was turned away.
public enum Refusal: Hashable, Sendable {
  /// All connections and all probes are taken.
  case tooManyConnections(limit: Int)
  /// The policy does not want this peer; the reason is for the peer to read.
  case notPermitted(reason: String)
  /// The process has no descriptor or thread left for it.
  case exhausted(SystemError)
}

/// How many clients a listener serves, and how long it waits for them.
public struct ConnectionLimits: Hashable, Sendable {
  /// Connections with full admission.
  public var connections: Int
  /// Connections beyond those, for health probes.
  public var probes: Int
  /// How long a probe's connection may last.
  public var probeTime: Duration
  /// How long a send may make no progress because the client does not read.
  public var sendTimeout: Duration
  /// Bytes of a connection thread's stack.
  public var stackBytes: Int

  public init(
    connections: Int = 256, probes: Int = 8, probeTime: Duration = .seconds(5), sendTimeout: Duration = .seconds(60),
    stackBytes: Int = SystemThread.defaultStackBytes
  ) {
    self.connections = connections
    self.probes = probes
    self.probeTime = probeTime
    self.sendTimeout = sendTimeout
    self.stackBytes = stackBytes
  }
}

/// What a listener asks and tells. All of it is called on the listener's own thread, `serve` on the connection's.
public struct ConnectionPolicy: Sendable {
  /// Something worth a log line.
  public enum Event: Sendable {
    case accepted(Connection)
    case refused(PeerCredentials?, Refusal)
    case closed(Connection)
    /// The listener cannot go on.
    case failed(LocalSocketError)
  }

  /// A reason to turn the peer away, or nil to let it in.
  public var refuse: @Sendable (PeerCredentials) -> String?
  /// The bytes that tell a client why it is turned away.
  public var farewell: @Sendable (Refusal) -> [UInt8]
  /// Called with what happens. Must not block.
  public var observe: @Sendable (Event) -> Void
  /// Serves one connection on its own thread; the connection is closed when it returns.
  public var serve: @Sendable (Connection) -> Void

  public init(
    refuse: @escaping @Sendable (PeerCredentials) -> String? = { _ in nil },
    farewell: @escaping @Sendable (Refusal) -> [UInt8], observe: @escaping @Sendable (Event) -> Void = { _ in },
    serve: @escaping @Sendable (Connection) -> Void
  ) {
    self.refuse = refuse
    self.farewell = farewell
    self.observe = observe
    self.serve = serve
  }
}
