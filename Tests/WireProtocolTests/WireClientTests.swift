import Testing
import WireProtocol

/// A transport whose daemon is a script: bytes it will send, in pieces of a given size, and what it was sent.
private final class ScriptedTransport: FrameTransport {
  struct Broken: Error {}

  var incoming: [UInt8]
  var descriptors: [Int]
  var sent: [UInt8] = []
  var step: Int
  var failsToSend = false

  init(_ incoming: [[UInt8]], descriptors: [Int] = [], step: Int = .max) {
    self.incoming = incoming.flatMap { $0 }
    self.descriptors = descriptors
    self.step = step
  }

  func send(_ bytes: [UInt8]) throws {
    if failsToSend { throw Broken() }
    sent += bytes
  }

  func receive(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
    let part = incoming.prefix(min(step, buffer.count))
    buffer.copyBytes(from: part)
    incoming.removeFirst(part.count)
    return part.count
  }

  func takeDescriptors(_ count: Int) throws -> [Int] {
    guard descriptors.count >= count else { throw Broken() }
    defer { descriptors.removeFirst(count) }
    return Array(descriptors.prefix(count))
  }
}

struct WireClientTests {
  private static let hello = HelloRequest(capabilities: .descriptors, process: 1, client: "test")
  private static let welcome = HelloReply(
    version: 1, capabilities: [], maxReplyBytes: 1 << 20, maxPipelined: 4, daemon: "d", instance: "i"
  )
  .frame(request: 1)
  private static let ready = HealthReply(state: .ready, detail: "")

  @Test("hello, then a question and its answer", arguments: [1, 5, 1000])
  func asks(_ step: Int) throws {
    let transport = ScriptedTransport([Self.welcome, Self.ready.frame(request: 2)], step: step)
    var client = try WireClient(transport, hello: Self.hello)
    #expect(client.welcome.maxPipelined == 4)
    #expect(try client.call(HealthRequest()) == Self.ready)
    #expect(transport.sent == Self.hello.frame(request: 1) + HealthRequest().frame(request: 2))
  }

  @Test("pipelined requests are answered in their order")
  func pipelines() throws {
    let transport = ScriptedTransport(
      [Self.welcome, CloseReply().frame(request: 2), Self.ready.frame(request: 3)])
    var client = try WireClient(transport, hello: Self.hello)
    let close = try client.send(CloseRequest(session: 1))
    let health = try client.send(HealthRequest())
    #expect(throws: WireClientError.self) { try client.receive(answerTo: HealthRequest(), number: health) }
    _ = try client.receive(answerTo: CloseRequest(session: 1), number: close)
    #expect(try client.receive(answerTo: HealthRequest(), number: health) == Self.ready)
  }

  @Test("no more requests are sent ahead than the daemon allows")
  func pipelineLimit() throws {
    let transport = ScriptedTransport([Self.welcome])
    var client = try WireClient(transport, hello: Self.hello)
    for _ in 0..<4 { _ = try client.send(HealthRequest()) }
    let sent = transport.sent.count
    #expect(throws: WireClientError.self) { try client.send(HealthRequest()) }
    #expect(transport.sent.count == sent)
  }

  @Test("descriptors come before the reply that needs them, and go when the reply orders it")
  func files() throws {
    let columns = BatchColumns(counts: [1], ids: [0], streams: [0], shards: [0], indices: [0], schemas: [0])
    let body = BatchReply.FileColumns(handles: [8], offsets: [0], lengths: [1], drops: [7])
    let transport = ScriptedTransport(
      [
        Self.welcome, DescriptorsNotice(handles: [7, 8]).frame(request: 2, descriptors: 2),
        BatchReply(epoch: 0, first: 0, columns: columns, body: .files(body)).frame(request: 2),
      ], descriptors: [70, 80])
    var client = try WireClient(transport, hello: Self.hello)
    let reply = try client.call(BatchRequest(session: 1, epoch: 0, first: 0))
    #expect(reply.body == .files(body))
    #expect(client.files == [7: 70, 8: 80])
    transport.sent = []
    try client.release(body.drops)
    #expect(client.files == [8: 80])
    #expect(transport.sent == DroppedNotice(handles: [7]).frame(request: 0))
  }

  @Test("files go when a frame of its own orders it, before a reply without a place for that")
  func filesDroppedByFrame() throws {
    let columns = BatchColumns(counts: [0], ids: [], streams: [], shards: [], indices: [], schemas: [])
    let transport = ScriptedTransport(
      [
        Self.welcome, DescriptorsNotice(handles: [7, 8]).frame(request: 2, descriptors: 2),
        DropNotice(handles: [7]).frame(request: 2),
        BatchReply(epoch: 0, first: 0, columns: columns, body: .inline(offsets: [0], bytes: [])).frame(request: 2),
      ], descriptors: [70, 80])
    var client = try WireClient(transport, hello: Self.hello)
    transport.sent = []
    _ = try client.call(BatchRequest(session: 1, epoch: 0, first: 0))
    #expect(client.files == [8: 80])
    #expect(transport.sent.suffix(24) == DroppedNotice(handles: [7]).frame(request: 0)[...])
  }

  @Test("progress comes before an admin answer")
  func progress() throws {
    let transport = ScriptedTransport([
      Self.welcome, ProgressNotice(document: "1").frame(request: 2), ProgressNotice(document: "2").frame(request: 2),
      AdminReply(document: "done").frame(request: 2),
    ])
    var client = try WireClient(transport, hello: Self.hello)
    var seen: [String] = []
    let reply = try client.call(AdminRequest(verb: "sweep")) { seen.append($0) }
    #expect(seen == ["1", "2"])
    #expect(reply.document == "done")
  }

  @Test("an error ends its request and leaves the connection")
  func refusal() throws {
    let error = ErrorReply(.unknownSession, message: "no session 9")
    let transport = ScriptedTransport([Self.welcome, error.frame(request: 2), Self.ready.frame(request: 3)])
    var client = try WireClient(transport, hello: Self.hello)
    #expect { try client.call(CloseRequest(session: 9)) } throws: {
      guard case .refused(error) = $0 as? WireClientError else { return false }
      return true
    }
    #expect(try client.call(HealthRequest()) == Self.ready)
  }

  @Test("a client that is turned away reads why, even if it could not send")
  func turnedAway() {
    let error = ErrorReply(.tooManyConnections, retry: .after(milliseconds: 10), message: "full")
    for failsToSend in [false, true] {
      let transport = ScriptedTransport([error.frame(request: 0)])
      transport.failsToSend = failsToSend
      #expect { try WireClient(transport, hello: Self.hello) } throws: {
        guard case .refused(error) = $0 as? WireClientError else { return false }
        return true
      }
    }
  }

  @Test("what does not belong here is an error, not an answer")
  func unexpected() throws {
    let wrong: [[UInt8]] = [
      Self.ready.frame(request: 9),  // another request's
      CloseReply().frame(request: 2),  // another kind
      DescriptorsNotice(handles: [1]).frame(request: 2, descriptors: 1),  // no descriptor came
      HealthRequest().frame(request: 2),  // not from a daemon
      [],  // the end
    ]
    for frame in wrong {
      let transport = ScriptedTransport([Self.welcome, frame])
      var client = try WireClient(transport, hello: Self.hello)
      #expect(throws: WireClientError.self) { try client.call(HealthRequest()) }
    }
  }

  @Test("a handle that is given twice is the daemon's mistake")
  func handleTwice() throws {
    let notice = DescriptorsNotice(handles: [1, 1]).frame(request: 2, descriptors: 2)
    var client = try WireClient(ScriptedTransport([Self.welcome, notice], descriptors: [5, 6]), hello: Self.hello)
    #expect(throws: WireClientError.self) { try client.call(HealthRequest()) }
  }
}
