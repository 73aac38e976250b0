import StreamRegistry
import Transfer

/// Where a path of a stream is fetched from, with whatever proves the right to it.
public struct RemoteTarget: Sendable {
  public var url: RequestURL
  public var headers: [HTTPField]

  public init(url: RequestURL, headers: [HTTPField] = []) {
    self.url = url
    self.headers = headers
  }
}

/// What tells one kind of remote from another: how a path becomes a signed request, and how files are listed.
protocol RemoteService: Sendable {
  /// Fetches a text of at most so many bytes from a target, which is made anew when the first was refused.
  typealias DocumentFetch = (_ limit: Int, _ target: @Sendable () async throws -> RemoteTarget) async throws -> String

  /// The stream's root as errors and logs name it.
  var location: String { get }
  /// Plain http to other machines, by the operator's leave.
  var allowsPlainHTTP: Bool { get }

  /// The request for `extent` of the file at `path` below the root, signed now.
  func target(for path: String, extent: Extent) async throws -> RemoteTarget

  /// Told that the remote refused the credentials or the region of a target; true when another try has better ones.
  func recover(from refusal: TransferFailure) async throws -> Bool

  /// The subdirectories ("" for the root) that hold an index.json, in order; nil where the remote cannot be listed.
  func indexedSubdirectories(through fetch: @escaping DocumentFetch) async throws -> [String]?
}

extension RemoteService {
  func recover(from refusal: TransferFailure) async throws -> Bool { false }
  func indexedSubdirectories(through fetch: @escaping DocumentFetch) async throws -> [String]? { nil }
}

extension StreamSourceError {
  /// A transfer's failure in the words of the door.
  init(_ failure: TransferFailure) {
    let code: Code =
      switch failure.code {
      case .transient, .cancelled: .transient
      case .restart: .restart
      case .notFound: .notFound
      case .refused: .refused
      case .permanent: .permanent
      case .local: .local
      }
    var resume: ResumeOffset?
    if let validator = failure.validator, failure.writtenEnd > 0, failure.code == .transient || failure.code == .local {
      resume = ResumeOffset(bytes: failure.writtenEnd, validator: validator)
    }
    self.init(
      code, failure.message, retryAfterSeconds: failure.retryAfterSeconds, slowDown: failure.slowDown, resume: resume,
      cause: failure.cause.name)
  }
}

extension TransferLimits {
  init(_ limits: FetchLimits) {
    self.init(
      idleSeconds: limits.idleSeconds, minimumBytesPerSecond: limits.minimumBytesPerSecond,
      deadlineSeconds: limits.deadlineSeconds)
  }
}
