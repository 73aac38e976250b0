import Codecs
import LinuxSystem
import StreamRegistry
import Transfer

/// The stream source over any remote service that answers GET requests: one attempt a call, in the door's words.
struct RemoteSource: StreamSource {
  /// The largest index.json that is read, in bytes: some four million shards.
  static let indexLimit = 1 << 30
  /// The most index documents of one stream.
  static let indexCountLimit = 65_536

  let service: any RemoteService
  let transport: any Transport
  let subdirectories: StreamConfiguration.Subdirectories
  let limits: FetchLimits
  let ranges: RangeAdvisor
  let spool: IndexSpool

  var location: String { service.location }

  init(
    service: any RemoteService, transport: any Transport, subdirectories: StreamConfiguration.Subdirectories = .none,
    limits: FetchLimits = FetchLimits(), ranges: RangeAdvisor = RangeAdvisor(),
    spool: IndexSpool = IndexSpool()
  ) {
    self.service = service
    self.transport = transport
    self.subdirectories = subdirectories
    self.limits = limits
    self.ranges = ranges
    self.spool = spool
  }

  func manifest() async throws -> ManifestAnswer {
    switch subdirectories {
    case .none: return try await documents(in: [""])
    case .list(let list): return try await documents(in: list)
    case .discover:
      guard let found = try await service.indexedSubdirectories(through: text) else {
        throw StreamSourceError(
          .permanent, "\(location) cannot be listed: name the subdirectories that hold an index.json instead")
      }
      guard !found.isEmpty else { throw StreamSourceError(.notFound, "\(location) has no index.json at any depth") }
      guard found.count <= Self.indexCountLimit else {
        throw StreamSourceError(
          .permanent, "\(location) has \(found.count) index files; at most \(Self.indexCountLimit) are read")
      }
      return try await documents(in: found)
    }
  }

  private func documents(in subdirectories: [String]) async throws -> ManifestAnswer {
    var documents = IndexDocuments()
    var validators: [String] = []
    for subdirectory in subdirectories {
      try Task.checkCancellation()
      let path = subdirectory.isEmpty ? "index.json" : "\(subdirectory)/index.json"
      let file = try local { () throws(SystemError) in try spool.file() }
      let receipt = try await document(.atMost(Self.indexLimit), into: file) {
        try await self.service.target(for: path, extent: .atMost(Self.indexLimit))
      }
      try local { () throws(SystemError) in try documents.add(subdirectory, in: file, count: receipt.end) }
      if let validator = receipt.validator ?? receipt.lastModified { validators.append(validator) }
    }
    let isComplete = validators.count == documents.documents.count
    return .documents(documents.documents, validator: isComplete ? validators.joined(separator: ",") : nil)
  }

  private func document(
    _ extent: Extent, into file: OwnedDescriptor, _ target: () async throws -> RemoteTarget
  ) async throws -> TransferReceipt {
    try await perform(extent, validator: nil, limits: limits, into: file, progress: { _ in }, target: target)
  }

  /// A text that is no file of the stream, such as a listing.
  private func text(_ limit: Int, _ target: @Sendable () async throws -> RemoteTarget) async throws -> String {
    let file = try local { () throws(SystemError) in try OwnedDescriptor.memoryFile("sluice-listing") }
    let receipt = try await document(.atMost(limit), into: file, target)
    let bytes = try local { () throws(SystemError) in try file.read(count: receipt.end, at: 0) }
    return String(decoding: bytes, as: UTF8.self)
  }

  func fetch(_ request: FileRequest, into staging: StagingFile) async throws -> FetchReceipt {
    var extent = Extent.whole(request.bytes)
    var validator: String?
    if let resume = request.resume, resume.bytes > 0, resume.bytes < request.bytes {
      extent = .exactly(range: resume.bytes..<request.bytes, total: request.bytes)
      validator = resume.validator
    }
    let ticket = ranges.begin(bytes: extent.end - extent.start)
    var moved = 0
    defer { ranges.end(ticket, moved: moved) }
    let receipt = try await fetch(extent, parts: ticket.parts, validator, request, into: staging)
    moved = receipt.moved
    return FetchReceipt(
      bytes: receipt.end, validator: receipt.validator, moved: receipt.moved, digest: receipt.digest)
  }

  private func fetch(
    _ extent: Extent, parts: Int, _ validator: String?, _ request: FileRequest, into staging: StagingFile
  ) async throws -> TransferReceipt {
    guard parts > 1 else { return try await fetchPart(extent, validator, request, into: staging) }
    do {
      return try await fetchInParts(parts, extent, validator, request, into: staging)
    } catch let error as StreamSourceError where error.code == .permanent && error.cause == "contentRange" {
      ranges.refuse()
      return try await fetchPart(extent, validator, request, into: staging)
    }
  }

  /// One attempt; a second one only when the first was refused and there are better credentials.
  func perform(
    _ extent: Extent, validator: String?, limits: FetchLimits, digest: DigestAlgorithm? = nil,
    into file: OwnedDescriptor, progress: @escaping @Sendable (Int) -> Void, target: () async throws -> RemoteTarget
  ) async throws -> TransferReceipt {
    var mayRecover = true
    while true {
      let target = try await target()
      let request = TransferRequest(
        url: target.url, headers: target.headers, extent: extent, validator: validator, limits: TransferLimits(limits),
        allowsPlainHTTP: service.allowsPlainHTTP, digest: digest)
      do {
        return try await transport.perform(request, into: file, progress: progress)
      } catch {
        if error.code == .cancelled { throw CancellationError() }
        if mayRecover, error.code == .refused || error.region != nil {
          mayRecover = false
          if try await service.recover(from: error) { continue }
        }
        throw StreamSourceError(error)
      }
    }
  }

  private func local<Result>(_ body: () throws(SystemError) -> Result) throws(StreamSourceError) -> Result {
    do { return try body() } catch { throw StreamSourceError(TransferFailure(diskError: error)) }
  }
}
