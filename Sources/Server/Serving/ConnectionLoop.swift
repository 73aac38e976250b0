import DaemonConfiguration
import LinuxSystem
import LocalSocket
import Logging
import WireProtocol

/// Serves one connection on its thread: requests in, frames out, in their order, until the client is gone.
struct ConnectionLoop {
  /// Payload bytes that the columns and heads of a batch reply may have beside the samples' bytes.
  private static let replyOverhead = 64 << 20

  /// How long a client may take to say hello, and to send a frame it has begun.
  private static let helloTime = Duration.seconds(10)
  private static let frameTime = Duration.seconds(60)

  let connection: Connection
  let parts: DaemonParts
  private var parser: RequestParser
  private var service: ClientService?
  private var times: (number: UInt64, times: RequestTimes)?

  init(_ connection: Connection, parts: DaemonParts) {
    self.connection = connection
    self.parts = parts
    parser = RequestParser(limit: parts.datasets.current.limits.frameBytes)
  }

  /// Returns when the client closed, broke off, or sent what no client may send.
  mutating func run() {
    defer {
      service?.close()
      if let times { parts.metrics.ended(times.number) }
    }
    do {
      while true {
        while let next = try parser.next() {
          if try !serve(next) { return }
        }
        guard let received = try receive() else {
          let seconds = parts.datasets.current.idleSeconds
          service?.rest(after: seconds)
          continue
        }
        if received == 0 { return }
      }
    } catch let error as WireError {
      log("client sent what is no request", error)
      farewell(ErrorReply(error), number: parser.lastNumber)
    } catch let error as LocalSocketError {
      // A client that went away needs no words; one that stopped reading or a system out of room does.
      if error.code != .closed { log("connection ended", error) }
    } catch {
      log("connection ended", error)
    }
  }

  /// Receives what the client sends: how many bytes, 0 at the end; nil when it has been silent for so long that what it
  /// holds should be let go of.
  private mutating func receive() throws -> Int? {
    let rests = parser.isBetweenFrames && service?.holdsFiles == true
    let patience = rests ? .seconds(parts.datasets.current.idleSeconds) : patience
    let connection = connection
    var isSilent = false
    let received = try parser.fill { buffer throws(LocalSocketError) in
      do throws(LocalSocketError) {
        return try connection.receive(into: buffer, within: patience)
      } catch {
        guard rests, error.code == .timedOut else { throw error }
        isSilent = true
        return 0
      }
    }
    return isSilent ? nil : received
  }

  /// How long the client may be silent now: for ever between requests, not before its hello nor within a frame.
  private var patience: Duration? {
    if service == nil { return Self.helloTime }
    return parser.isBetweenFrames ? nil : Self.frameTime
  }

  /// Answers one request; false when the connection is to be closed.
  private mutating func serve(_ next: RequestParser.Numbered) throws -> Bool {
    if case .hello(let hello) = next.request { return try welcome(hello, next.number) }
    // A probe is answered whatever else is the matter.
    let isProbe = Self.isProbe(next.request)
    guard isProbe || connection.admission == .full || parts.health.isDraining else {
      let error = ErrorReply(
        .tooManyConnections, retry: .after(milliseconds: 1_000),
        message: "all connections are taken (limits.connections); only health is answered now")
      try send([OutgoingFrame(error, request: next.number)])
      return false
    }
    guard isProbe || parts.drain.enter() else {
      let error = ErrorReply(.draining, retry: .afterReconnect, message: "the daemon is stopping; connect again")
      try send([OutgoingFrame(error, request: next.number)])
      return false
    }
    defer { if !isProbe { parts.drain.leave() } }
    guard var service else { preconditionFailure("the parser let a request through before hello") }
    self.service = nil
    let began = ContinuousClock.now
    defer {
      self.service = service
      times?.times.observe(RequestClass(next.request), seconds: began.duration(to: .now).seconds)
    }
    do {
      let connection = connection
      let frames = try service.answer(next.request, number: next.number) { frame in
        try Self.send([frame], on: connection)
      }
      try send(frames)
    } catch let error as LocalSocketError {
      throw error
    } catch {
      let reply = ErrorMapping.reply(for: error)
      parts.noteError(
        reply, of: next.request, peer: connection.peer, cause: error, context: service.context(of: next.request))
      try send([OutgoingFrame(reply, request: next.number)])
      return reply.code?.closesConnection != true
    }
    return true
  }

  private mutating func welcome(_ hello: HelloRequest, _ number: UInt64) throws -> Bool {
    let version: UInt16
    do {
      version = try hello.negotiated()
    } catch {
      farewell(ErrorReply(error), number: number)
      return false
    }
    let configuration = parts.datasets.current
    let isAdmin = parts.access.isAdmin(connection.peer)
    let peer = ClientService.Peer(
      client: hello.client, process: connection.peer.process, user: Int(connection.peer.user),
      takesDescriptors: hello.capabilities.contains(.descriptors), isAdmin: isAdmin)
    service = ClientService(parts: parts, peer: peer)
    times = parts.metrics.connection()
    var capabilities: DaemonCapabilities = [.descriptors]
    if configuration.inlineDatasets.isEnabled { capabilities.insert(.inlineDatasets) }
    if isAdmin { capabilities.insert(.admin) }
    let limits = ServingLimits(configuration.limits)
    let reply = HelloReply(
      version: version, capabilities: capabilities,
      maxReplyBytes: UInt32(clamping: limits.replyBytes + Self.replyOverhead),
      maxPipelined: UInt32(clamping: limits.pipelined), daemon: "sluiced \(DaemonVersion.text)",
      instance: parts.instance)
    try send([OutgoingFrame(reply, request: number)])
    return true
  }

  private static func isProbe(_ request: Request) -> Bool {
    switch request {
    case .health: true
    default: false
    }
  }

  private func send(_ frames: [OutgoingFrame]) throws { try Self.send(frames, on: connection) }

  private static func send(_ frames: [OutgoingFrame], on connection: Connection) throws {
    for frame in frames {
      try frame.head.withUnsafeBytes { head in
        try frame.tail.withUnsafeBytes { tail in
          var parts = [head]
          if frame.tailCount > 0 { parts.append(UnsafeRawBufferPointer(rebasing: tail[..<frame.tailCount])) }
          try connection.send(parts, descriptors: frame.descriptors)
        }
      }
    }
  }

  /// Tells a client why its connection ends; that it may be gone already is no matter.
  private func farewell(_ error: ErrorReply, number: UInt64) {
    do {
      try send([OutgoingFrame(error, request: number)])
    } catch {
      parts.logger.debug("client was gone before it was told", metadata: ["error": "\(error)"])
    }
  }

  private func log(_ what: Logger.Message, _ error: any Error) {
    parts.logger.notice(
      what, metadata: ["connection": "\(connection.number)", "peer": "\(connection.peer)", "error": "\(error)"])
  }
}
