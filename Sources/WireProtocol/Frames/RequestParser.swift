/// The daemon's end of a connection's bytes: received bytes in, requests out, and the rules that bind a client's frames.
///
/// A value without I/O. Whoever owns the socket lets `fill` receive into it and asks `next` until that is nil:
///
///     while let request = try parser.next() { answer(request) }
///     guard try parser.fill(connection.receive(into:)) > 0 else { return }
///
/// After an error it gives nothing more: the daemon answers with the error's code and closes the connection.
/// States: awaiting hello → open, on hello; any → failed, on an error.
public struct RequestParser {
  /// A request and the number its reply must repeat.
  public struct Numbered: Hashable, Sendable {
    public let number: UInt64
    public let request: Request
  }

  private enum State {
    case awaitingHello
    case open
    case failed(WireError)
  }

  private var state = State.awaitingHello
  /// A daemon has many connections, which seldom send much.
  private var buffer = FrameBuffer(keptCapacity: 4 * FrameBuffer.restingCapacity)

  /// Payload bytes of a frame.
  private let limit: Int

  /// - Parameter limit: payload bytes that a frame may have, at most what the protocol allows.
  public init(limit: Int = ProtocolLimits.requestBytes) { self.limit = min(limit, ProtocolLimits.requestBytes) }

  /// The number of the last frame whose header was seen: where an error belongs. 0 before the first.
  public private(set) var lastNumber: UInt64 = 0

  /// True between frames: the peer may close here without having broken off anything.
  public var isBetweenFrames: Bool { buffer.count == 0 }

  /// Lets `body` write received bytes into free space; it answers how many it wrote, 0 for the end of the connection.
  public mutating func fill<Failure: Error>(
    _ body: (UnsafeMutableRawBufferPointer) throws(Failure) -> Int
  ) throws(Failure) -> Int { try buffer.fill(body) }

  /// The next request, or nil if its bytes have not come yet.
  public mutating func next() throws(WireError) -> Numbered? {
    if case .failed(let error) = state { throw error }
    do throws(WireError) {
      guard let header = buffer.header() else { return nil }
      lastNumber = header.request
      try check(header)
      let request = try buffer.payload(of: header) { payload throws(WireError) in
        try Request(kind: header.kind, payload: payload)
      }
      guard let request else { return nil }
      if case .awaitingHello = state { state = .open }
      return Numbered(number: header.request, request: request)
    } catch {
      state = .failed(error)
      throw error
    }
  }

  /// Everything that a header alone can get wrong, before its payload is read.
  private func check(_ header: FrameHeader) throws(WireError) {
    let isHello = header.kind == FrameKind.hello.rawValue
    if case .awaitingHello = state {
      guard isHello else { throw .helloExpected(kind: header.kind) }
    } else if isHello {
      throw .invalid(field: "kind", value: Int64(header.kind), allowed: "hello only as the first frame")
    }
    guard let kind = FrameKind(rawValue: header.kind), !kind.isFromDaemon else { throw .unknownKind(header.kind) }
    guard header.length <= limit else { throw .tooLong(bytes: Int(header.length), limit: limit) }
    guard header.descriptors == 0 else {
      throw .invalid(field: "descriptors", value: Int64(header.descriptors), allowed: "0 from clients")
    }
    guard (header.request == 0) == (kind == .dropped) else {
      throw .invalid(
        field: "request", value: Int64(bitPattern: header.request),
        allowed: kind == .dropped ? "0 for dropped, which has no reply" : "a number other than 0")
    }
  }
}
