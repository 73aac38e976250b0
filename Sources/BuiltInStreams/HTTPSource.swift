import StreamRegistry
import Transfer

/// Streams under an `https://` root; `http://` on this machine, or where the operator allows it.
///
/// A query in the root's URL (a shared-access signature, say) goes with every request and into no message.
public struct HTTPSource: StreamSource {
  private let source: RemoteSource

  /// - Parameters:
  ///   - root: the stream's root, `https://host[:port]/path[?query]`.
  ///   - transport: what moves the bytes.
  ///   - headers: sent with every request; mark credentials secret.
  ///   - subdirectories: where the index.json files are; a web server cannot be listed.
  ///   - ranges: into how many ranges a large file goes.
  ///   - spool: where its index lies while it is read.
  ///   - allowsPlainHTTP: whether `http://` may go to other machines.
  /// - Throws: `StreamSourceError` (`permanent`) when `root` is no such URL.
  public init(
    root: String, transport: any Transport, headers: [HTTPField] = [],
    subdirectories: StreamConfiguration.Subdirectories = .none,
    allowsPlainHTTP: Bool = false, limits: FetchLimits = FetchLimits(), ranges: RangeAdvisor = RangeAdvisor(),
    spool: IndexSpool = IndexSpool()
  ) throws(StreamSourceError) {
    guard let url = RequestURL(root), ["https", "http"].contains(url.scheme), !url.host.isEmpty else {
      throw StreamSourceError(
        .permanent, "the remote is no URL of the form https://host/path (user names and passwords do not belong in it)")
    }
    guard url.scheme == "https" || allowsPlainHTTP || url.isLoopback else {
      throw StreamSourceError(
        .permanent, "\(url.textWithoutQuery) is plain http: use https, or allow plain http for this stream")
    }
    source = RemoteSource(
      service: HTTPService(root: url, headers: headers, allowsPlainHTTP: allowsPlainHTTP), transport: transport,
      subdirectories: subdirectories, limits: limits, ranges: ranges, spool: spool)
  }

  public var location: String { source.location }

  public func manifest() async throws -> ManifestAnswer { try await source.manifest() }

  public func fetch(_ request: FileRequest, into staging: StagingFile) async throws -> FetchReceipt {
    try await source.fetch(request, into: staging)
  }
}

/// A web server: paths are appended, nothing is signed, nothing can be listed.
struct HTTPService: RemoteService {
  let root: RequestURL
  let headers: [HTTPField]
  let allowsPlainHTTP: Bool

  var location: String { root.textWithoutQuery }

  func target(for path: String, extent: Extent) -> RemoteTarget {
    RemoteTarget(url: root.appending(path), headers: headers)
  }
}
