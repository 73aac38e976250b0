import Dispatch
import LinuxSystem
import StreamRegistry
import SystemPackage
import Transfer

/// Streams that lie in a directory of this machine (or of a network file system mounted here).
///
/// With `isReadInPlace`, the daemon serves the files where they are; otherwise they are copied into the cache like any
/// remote's (a slow network file system, say). The directory itself may be reached through links; links inside it are
/// followed only as far as they stay inside, so that nobody who writes an index or a link there can have the daemon read
/// what it may and they may not.
public struct LocalSource: StreamSource {
  /// Absolute path of the stream's root.
  public let directory: String
  private let isReadInPlace: Bool
  private let subdirectories: StreamConfiguration.Subdirectories
  private static let copyBytes = 1 << 20
  private static let queue = DispatchQueue(label: "sluice.local", attributes: .concurrent)

  public init(
    directory: String, isReadInPlace: Bool = true, subdirectories: StreamConfiguration.Subdirectories = .none
  ) {
    self.directory = directory.count > 1 && directory.hasSuffix("/") ? String(directory.dropLast()) : directory
    self.isReadInPlace = isReadInPlace
    self.subdirectories = subdirectories
  }

  public var location: String { directory }
  public var localDirectory: String? { isReadInPlace ? directory : nil }

  public func manifest() async throws -> ManifestAnswer {
    try await Self.offPool { () throws(StreamSourceError) in
      switch subdirectories {
      case .none: return try documents(in: [""])
      case .list(let list): return try documents(in: list)
      case .discover:
        let found = try IndexSearch.subdirectories(below: directory)
        guard !found.isEmpty else {
          throw StreamSourceError(.notFound, "\(directory) has no index.json at any depth", cause: "notFound")
        }
        return try documents(in: found)
      }
    }
  }

  public func fetch(_ request: FileRequest, into staging: StagingFile) async throws -> FetchReceipt {
    let isCancelled = CancellationFlag()
    return try await withTaskCancellationHandler {
      try await Self.offPool { () throws(StreamSourceError) in
        try copy(request, into: staging, isCancelled: isCancelled)
      }
    } onCancel: {
      isCancelled.set()
    }
  }

  private func documents(in subdirectories: [String]) throws(StreamSourceError) -> ManifestAnswer {
    var documents = IndexDocuments()
    var validators: [String] = []
    for subdirectory in subdirectories {
      let path = subdirectory.isEmpty ? "index.json" : "\(subdirectory)/index.json"
      let file = try open(path)
      let status = try io(path) { () throws(SystemError) in try file.status() }
      guard status.bytes <= RemoteSource.indexLimit else {
        throw StreamSourceError(
          .permanent, "\(directory)/\(path) is \(status.bytes) bytes long; at most \(RemoteSource.indexLimit) are read")
      }
      try io(path) { () throws(SystemError) in try documents.add(subdirectory, in: file, count: status.bytes) }
      validators.append("\(status.inode)-\(status.bytes)-\(status.modified)")
    }
    return .documents(documents.documents, validator: validators.joined(separator: ","))
  }

  private func copy(
    _ request: FileRequest, into staging: StagingFile, isCancelled: CancellationFlag
  ) throws(StreamSourceError) -> FetchReceipt {
    let file = try open(request.path)
    let length = try io(request.path) { () throws(SystemError) in try file.size() }
    guard length == request.bytes else {
      throw StreamSourceError(
        .transient, "\(directory)/\(request.path) is \(length) bytes long; the index says \(request.bytes)",
        cause: "wrongLength")
    }
    var offset = 0
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.copyBytes, alignment: 4096)
    defer { buffer.deallocate() }
    while offset < length {
      if isCancelled.isSet { throw StreamSourceError(.transient, "the copy was cancelled", cause: "cancelled") }
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(Self.copyBytes, length - offset)])
      let count = try io(request.path) { () throws(SystemError) in try file.read(into: part, at: offset) }
      guard count > 0 else {
        throw StreamSourceError(.transient, "\(directory)/\(request.path) became shorter", cause: "truncated")
      }
      do throws(SystemError) {
        try staging.write(UnsafeRawBufferPointer(rebasing: part[..<count]), at: offset)
      } catch { throw StreamSourceError(TransferFailure(diskError: error)) }
      offset += count
    }
    return FetchReceipt(bytes: offset, moved: offset)
  }

  private func open(_ path: String) throws(StreamSourceError) -> OwnedDescriptor {
    try io(path) { () throws(SystemError) in try Directory(path: directory).openBeneath(path) }
  }

  /// Runs a local call and says what its failure means for the stream.
  private func io<Result>(_ path: String, _ body: () throws(SystemError) -> Result) throws(StreamSourceError) -> Result
  {
    do throws(SystemError) {
      return try body()
    } catch {
      let text = "\(directory)/\(path): \(error.why)"
      if error.isNoPlainFile { throw StreamSourceError(.permanent, text, cause: "link") }
      switch error.errno {
      case .noSuchFileOrDirectory, .notDirectory: throw StreamSourceError(.notFound, text, cause: "notFound")
      case .permissionDenied, .notPermitted: throw StreamSourceError(.refused, text, cause: "credentials")
      case .tooManyOpenFiles, .tooManyOpenFilesInSystem:
        throw StreamSourceError(.local, text, cause: "descriptors")
      default: throw StreamSourceError(.transient, text, cause: "disk")
      }
    }
  }

  /// Blocking calls never run on the cooperative pool.
  private static func offPool<Result: Sendable>(
    _ body: @escaping @Sendable () throws(StreamSourceError) -> Result
  ) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
      queue.async { continuation.resume(with: Swift.Result { try body() }) }
    }
  }
}
