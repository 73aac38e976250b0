/// A client's side of a connection: hello, then requests and their replies, one at a time or pipelined.
///
/// Not for two threads at once; a client that wants two has two connections.
public struct WireClient<Transport: FrameTransport> {
  /// The connection underneath.
  public let transport: Transport
  /// What the daemon said in its hello.
  public private(set) var welcome: HelloReply
  /// Open files by the handles that batch replies name. A reply's `drops` are still here when it is returned, so that
  /// its bytes can be read; `release` closes them.
  public private(set) var files: [UInt32: Transport.Descriptor] = [:]

  private var parser = ReplyParser()
  private var writer = FrameWriter()
  private var nextNumber: UInt64 = 1
  /// Numbers of the requests that have had no last frame yet, oldest first: the daemon answers in order.
  private var underWay: [UInt64] = []

  /// Says hello on a fresh connection.
  public init(_ transport: Transport, hello: HelloRequest) throws(WireClientError) {
    self.transport = transport
    welcome = HelloReply(
      version: 0, capabilities: [], maxReplyBytes: 0, maxPipelined: 1, daemon: "", instance: "")
    welcome = try call(hello)
    guard (hello.minimumVersion...max(hello.minimumVersion, hello.maximumVersion)).contains(welcome.version) else {
      throw .unexpected("the daemon chose version \(welcome.version), which was not offered")
    }
    parser.maxReplyBytes = Int(welcome.maxReplyBytes)
  }

  /// Sends `request` and waits for its answer.
  ///
  /// - Parameter onProgress: called with the documents of progress frames.
  public mutating func call<Payload: RequestPayload>(
    _ request: Payload, onProgress: (String) -> Void = { _ in }
  ) throws(WireClientError) -> Payload.Answer {
    let number = try send(request)
    guard underWay.first == number else {
      throw .unexpected("a call while \(underWay.count - 1) pipelined requests have no answer yet")
    }
    return try answer(to: request, number: number, onProgress: onProgress)
  }

  /// Sends `request` without waiting; `receive` gives the answers in the requests' order. At most
  /// `welcome.maxPipelined` may be under way.
  public mutating func send(_ request: some RequestPayload) throws(WireClientError) -> UInt64 {
    guard underWay.count < welcome.maxPipelined else {
      throw .unexpected("\(underWay.count) requests are under way already, and the daemon allows no more")
    }
    let number = nextNumber
    nextNumber += 1
    writer.removeAll()
    writer.append(request, request: number)
    underWay.append(number)
    do {
      try transport.send(writer.bytes)
    } catch {
      // A daemon that refuses a connection says why before it closes it; that is better news than a broken pipe.
      if let refusal = pendingRefusal() { throw .refused(refusal) }
      throw .transport(error)
    }
    return number
  }

  /// Waits for the answer to the oldest request under way, which must be `request` with this `number`.
  public mutating func receive<Payload: RequestPayload>(
    answerTo request: Payload, number: UInt64, onProgress: (String) -> Void = { _ in }
  ) throws(WireClientError) -> Payload.Answer {
    guard underWay.first == number else { throw .unexpected("request \(number) is not the oldest under way") }
    return try answer(to: request, number: number, onProgress: onProgress)
  }

  /// Closes the files that a batch reply ordered dropped and tells the daemon so. Call it once the reply's bytes are
  /// read.
  public mutating func release(_ handles: [UInt32]) throws(WireClientError) {
    guard !handles.isEmpty else { return }
    for handle in handles { files[handle] = nil }
    writer.removeAll()
    writer.append(DroppedNotice(handles: handles), request: 0)
    do { try transport.send(writer.bytes) } catch { throw .transport(error) }
  }

  private mutating func answer<Payload: RequestPayload>(
    to request: Payload, number: UInt64, onProgress: (String) -> Void
  ) throws(WireClientError) -> Payload.Answer {
    while true {
      let frame = try nextFrame()
      if case .error(let error) = frame.reply, frame.number == 0 { throw .refused(error) }
      guard frame.number == number else {
        throw .unexpected("an answer to request \(frame.number) while \(number) was due")
      }
      switch frame.reply {
      case .descriptors(let notice): try adopt(notice, count: frame.descriptors)
      case .progress(let notice): onProgress(notice.document)
      // Whatever an earlier reply said of these files has been read: answers are received one after another.
      case .drop(let notice): try release(notice.handles)
      case .error(let error):
        underWay.removeFirst()
        throw .refused(error)
      default:
        underWay.removeFirst()
        guard let answer = Payload.Answer(frame.reply) else {
          throw .unexpected("a \(frame.reply.payload.kind) in answer to \(request.kind)")
        }
        return answer
      }
    }
  }

  private mutating func nextFrame() throws(WireClientError) -> ReplyParser.Numbered {
    do {
      while true {
        if let frame = try parser.next() { return frame }
        guard try parser.fill(transport.receive(into:)) > 0 else { throw WireClientError.closed }
      }
    } catch let error as WireClientError {
      throw error
    } catch let error as WireError {
      throw .malformed(error)
    } catch {
      throw .transport(error)
    }
  }

  private mutating func adopt(_ notice: DescriptorsNotice, count: Int) throws(WireClientError) {
    let descriptors: [Transport.Descriptor]
    do { descriptors = try transport.takeDescriptors(count) } catch { throw .transport(error) }
    for (handle, descriptor) in zip(notice.handles, descriptors) {
      guard files.updateValue(descriptor, forKey: handle) == nil else {
        throw .unexpected("handle \(handle) was given twice")
      }
    }
  }

  /// An error frame that came before the connection was closed, if there is one.
  private mutating func pendingRefusal() -> ErrorReply? {
    do throws(WireClientError) {
      while true {
        if case .error(let error) = try nextFrame().reply { return error }
      }
    } catch {
      // The first failure is the one to report.
      return nil
    }
  }
}
