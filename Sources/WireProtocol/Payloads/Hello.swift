/// 1 hello: the first frame of every connection. Its form is the same in all versions.
public struct HelloRequest: RequestPayload {
  public typealias Answer = HelloReply

  /// Oldest and newest version the client speaks.
  public var minimumVersion: UInt16
  public var maximumVersion: UInt16
  public var capabilities: ClientCapabilities
  /// The client's process id, for the operator's eyes; the kernel's word on it is the peer's credentials.
  public var process: UInt32
  /// Name and version of the client, at most 128 bytes.
  public let client: String

  /// - Parameter client: cut to 128 bytes, between characters.
  public init(
    minimumVersion: UInt16 = ProtocolLimits.minimumVersion, maximumVersion: UInt16 = ProtocolLimits.maximumVersion,
    capabilities: ClientCapabilities, process: UInt32, client: String
  ) {
    self.minimumVersion = minimumVersion
    self.maximumVersion = maximumVersion
    self.capabilities = capabilities
    self.process = process
    var name = client
    while name.utf8.count > ProtocolLimits.clientNameBytes { name.removeLast() }
    self.client = name
  }

  public var kind: FrameKind { .hello }
  public var request: Request { .hello(self) }

  public func encode(into writer: inout FrameWriter) {
    writer.integer(ProtocolLimits.magic)
    writer.integer(minimumVersion)
    writer.integer(maximumVersion)
    writer.integer(capabilities.rawValue)
    writer.integer(process)
    writer.text(client)
  }

  public init(from reader: inout FrameReader) throws(WireError) {
    let magic = try reader.integer("magic", as: UInt32.self)
    guard magic == ProtocolLimits.magic else {
      throw .invalid(field: "magic", value: Int64(magic), allowed: "\(ProtocolLimits.magic) (\"SLUC\")")
    }
    minimumVersion = try reader.integer("min_version")
    maximumVersion = try reader.integer("max_version")
    capabilities = ClientCapabilities(rawValue: try reader.integer("capabilities"))
    process = try reader.integer("process")
    client = try reader.text("client", limit: ProtocolLimits.clientNameBytes)
  }

  /// The version both sides speak from here on: the newest in common.
  public func negotiated() throws(WireError) -> UInt16 {
    let newest = min(maximumVersion, ProtocolLimits.maximumVersion)
    guard minimumVersion <= maximumVersion, newest >= max(minimumVersion, ProtocolLimits.minimumVersion) else {
      throw .noCommonVersion(minimum: minimumVersion, maximum: maximumVersion)
    }
    return newest
  }
}

/// What a client can do; bits this version does not know are kept.
public struct ClientCapabilities: OptionSet, Hashable, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// It can receive descriptors.
  public static let descriptors = ClientCapabilities(rawValue: 1)
}

/// What a daemon does for this connection; bits this version does not know are kept.
public struct DaemonCapabilities: OptionSet, Hashable, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// It passes descriptors.
  public static let descriptors = DaemonCapabilities(rawValue: 1)
  /// It accepts inline dataset specifications.
  public static let inlineDatasets = DaemonCapabilities(rawValue: 2)
  /// Admin requests are allowed to this client on this socket.
  public static let admin = DaemonCapabilities(rawValue: 4)
}

/// 0x8001: what was agreed.
public struct HelloReply: ReplyPayload {
  /// The version spoken from here on.
  public var version: UInt16
  public var capabilities: DaemonCapabilities
  /// Longest payload the daemon sends.
  public var maxReplyBytes: UInt32
  /// Requests a client may have under way.
  public var maxPipelined: UInt32
  /// Name and version of the daemon.
  public var daemon: String
  /// Changes with every start of the daemon.
  public var instance: String

  public init(
    version: UInt16, capabilities: DaemonCapabilities, maxReplyBytes: UInt32, maxPipelined: UInt32, daemon: String,
    instance: String
  ) {
    self.version = version
    self.capabilities = capabilities
    self.maxReplyBytes = maxReplyBytes
    self.maxPipelined = maxPipelined
    self.daemon = daemon
    self.instance = instance
  }

  public var kind: FrameKind { .helloReply }
  public init?(_ reply: Reply) {
    guard case .hello(let payload) = reply else { return nil }
    self = payload
  }

  public func encode(into writer: inout FrameWriter) {
    writer.integer(version)
    writer.integer(capabilities.rawValue)
    writer.integer(maxReplyBytes)
    writer.integer(maxPipelined)
    writer.text(daemon)
    writer.text(instance)
  }

  public init(from reader: inout FrameReader) throws(WireError) {
    version = try reader.integer("version")
    capabilities = DaemonCapabilities(rawValue: try reader.integer("capabilities"))
    maxReplyBytes = try reader.integer("max_reply_bytes")
    maxPipelined = try reader.integer("max_pipelined")
    daemon = try reader.text("daemon")
    instance = try reader.text("instance")
  }
}
