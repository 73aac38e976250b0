import Codecs

/// What the daemon tells a fetcher.
enum FetcherOrder: Equatable {
  /// First thing, once: the most connections that it keeps to one host.
  case begin(connectionsPerHost: Int)
  /// Fetch; the file's descriptor comes with the message.
  case start(id: Int, TransferRequest)
  case cancel(id: Int)
}

/// What a fetcher tells the daemon.
enum FetcherReport: Equatable {
  /// First thing, and nothing else before it.
  case ready(version: Int)
  /// Bytes written since the last report; empty when it only says that the fetcher lives.
  case progress([Progress])
  case received(id: Int, TransferReceipt)
  case failed(id: Int, TransferFailure)

  struct Progress: Equatable {
    let id: Int
    let bytes: Int
  }
}

/// Bounds and version of the messages between the daemon and its fetchers: always the same executable.
enum FetcherProtocol {
  static let version = 2
  /// The longest message, in bytes; far below the socket's buffer.
  static let messageLimit = 64 << 10
  /// The most headers of a request.
  static let headerLimit = 64
  /// The longest text of a failure.
  static let textLimit = 4 << 10
}

extension FetcherOrder {
  func encoded() -> [UInt8] {
    var writer = MessageWriter()
    switch self {
    case .start(let id, let request):
      writer.put(UInt8(1))
      writer.put(id)
      writer.put(request)
    case .cancel(let id):
      writer.put(UInt8(2))
      writer.put(id)
    case .begin(let connections):
      writer.put(UInt8(3))
      writer.put(connections)
    }
    return writer.bytes
  }

  init(decoding bytes: [UInt8]) throws(MalformedMessage) {
    var reader = MessageReader(bytes)
    switch try reader.byte() {
    case 1: self = .start(id: try reader.count(), try reader.request())
    case 2: self = .cancel(id: try reader.count())
    case 3: self = .begin(connectionsPerHost: max(1, try reader.count(atMost: SessionTransport.mostConnections)))
    default: throw MalformedMessage()
    }
    try reader.finish()
  }
}

extension FetcherReport {
  func encoded() -> [UInt8] {
    var writer = MessageWriter()
    switch self {
    case .ready(let version):
      writer.put(UInt8(1))
      writer.put(version)
    case .progress(let list):
      writer.put(UInt8(2))
      writer.put(list.count)
      for item in list {
        writer.put(item.id)
        writer.put(item.bytes)
      }
    case .received(let id, let receipt):
      writer.put(UInt8(3))
      writer.put(id)
      writer.put(receipt.end)
      writer.put(receipt.moved)
      writer.put(receipt.validator) { $0.put($1) }
      writer.put(receipt.lastModified.map { String($0.prefix(128)) }) { $0.put($1) }
      writer.put(receipt.digest) { $0.put($1) }
    case .failed(let id, let failure):
      writer.put(UInt8(4))
      writer.put(id)
      writer.put(failure)
    }
    return writer.bytes
  }

  init(decoding bytes: [UInt8]) throws(MalformedMessage) {
    var reader = MessageReader(bytes)
    switch try reader.byte() {
    case 1: self = .ready(version: try reader.count())
    case 2:
      var list: [Progress] = []
      for _ in 0..<(try reader.count(atMost: FetcherProtocol.messageLimit / 16)) {
        list.append(Progress(id: try reader.count(), bytes: try reader.count()))
      }
      self = .progress(list)
    case 3:
      let id = try reader.count()
      let (end, moved) = (try reader.count(), try reader.count())
      let validator = try reader.optional { reader throws(MalformedMessage) in try reader.text() }
      let modified = try reader.optional { reader throws(MalformedMessage) in try reader.text() }
      let digest = try reader.optional { reader throws(MalformedMessage) in try reader.text() }
      self = .received(
        id: id,
        TransferReceipt(end: end, moved: moved, validator: validator, lastModified: modified, digest: digest))
    case 4: self = .failed(id: try reader.count(), try reader.failure())
    default: throw MalformedMessage()
    }
    try reader.finish()
  }
}

// MARK: - Parts

extension MessageWriter {
  fileprivate mutating func put(_ request: TransferRequest) {
    put(request.url.text)
    put(request.headers.count)
    for field in request.headers {
      put(field.name)
      put(field.value)
      put(field.isSecret)
    }
    switch request.extent {
    case .exactly(let range, let total):
      put(UInt8(1))
      put(range.lowerBound)
      put(range.upperBound)
      put(total)
    case .atMost(let limit):
      put(UInt8(2))
      put(limit)
    }
    put(request.validator) { $0.put($1) }
    put(request.limits.idleSeconds)
    put(request.limits.minimumBytesPerSecond)
    put(request.limits.deadlineSeconds)
    put(request.allowsPlainHTTP)
    put(request.digest?.rawValue) { $0.put($1) }
  }

  fileprivate mutating func put(_ failure: TransferFailure) {
    put(failure.code.rawValue)
    put(failure.cause.rawValue)
    put(String(decoding: failure.message.utf8.prefix(FetcherProtocol.textLimit), as: UTF8.self))
    put(failure.status) { $0.put($1) }
    put(failure.retryAfterSeconds) { $0.put($1) }
    put(failure.writtenEnd)
    put(failure.validator) { $0.put($1) }
    put(failure.region) { $0.put($1) }
  }
}

extension MessageReader {
  fileprivate mutating func request() throws(MalformedMessage) -> TransferRequest {
    guard let url = RequestURL(try text()) else { throw MalformedMessage() }
    var headers: [HTTPField] = []
    for _ in 0..<(try count(atMost: FetcherProtocol.headerLimit)) {
      headers.append(HTTPField(try text(), try text(), isSecret: try flag()))
    }
    let extent: Extent
    switch try byte() {
    case 1:
      let (start, end, total) = (try count(), try count(), try count())
      guard start <= end, end <= total else { throw MalformedMessage() }
      extent = .exactly(range: start..<end, total: total)
    case 2: extent = .atMost(try count())
    default: throw MalformedMessage()
    }
    let validator = try optional { reader throws(MalformedMessage) in try reader.text() }
    let limits = TransferLimits(
      idleSeconds: try double(), minimumBytesPerSecond: try double(), deadlineSeconds: try double())
    let allowsPlainHTTP = try flag()
    let name = try optional { reader throws(MalformedMessage) in try reader.text() }
    let digest = name.flatMap(DigestAlgorithm.init(rawValue:))
    guard (name == nil) == (digest == nil) else { throw MalformedMessage() }
    return TransferRequest(
      url: url, headers: headers, extent: extent, validator: validator, limits: limits,
      allowsPlainHTTP: allowsPlainHTTP, digest: digest)
  }

  fileprivate mutating func failure() throws(MalformedMessage) -> TransferFailure {
    guard let code = TransferFailure.Code(rawValue: try byte()),
      let cause = TransferFailure.Cause(rawValue: try byte())
    else { throw MalformedMessage() }
    var failure = TransferFailure(code, cause, try text())
    failure.status = try optional { reader throws(MalformedMessage) in try reader.integer() }
    failure.retryAfterSeconds = try optional { reader throws(MalformedMessage) in try reader.double() }
    failure.writtenEnd = try count()
    failure.validator = try optional { reader throws(MalformedMessage) in try reader.text() }
    failure.region = try optional { reader throws(MalformedMessage) in try reader.text() }
    return failure
  }
}
