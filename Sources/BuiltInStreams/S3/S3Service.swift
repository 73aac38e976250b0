import LinuxSystem
import StreamRegistry
import Synchronization
import Transfer

/// A bucket of an S3-compatible store: Amazon's, MinIO, Ceph, R2, Wasabi, and Cloud Storage through its XML API.
final class S3Service: RemoteService {
  struct Settings: Sendable {
    var bucket: String
    /// Keys of the stream begin with this; no "/" at its ends.
    var prefix: String
    /// nil for Amazon's own.
    var endpoint: RequestURL?
    var pathStyle = false
    var region = "us-east-1"
    var requesterPays = false
    var allowsPlainHTTP = false
  }

  /// Pages of a listing that are read, of up to 1,000 names each.
  static let pageLimit = 10_000
  /// The longest page, in bytes.
  static let pageBytes = 4 << 20

  private let settings: Settings
  private let scheme: String
  private let store: CredentialStore
  private let region: Mutex<String>
  private let time: @Sendable () -> Int

  /// - Parameter scheme: how the stream's location is written (`s3`, `gs`).
  init(
    _ settings: Settings, scheme: String, store: CredentialStore,
    time: @escaping @Sendable () -> Int = { Int(WallClock.seconds()) }
  ) {
    self.settings = settings
    self.scheme = scheme
    self.store = store
    self.time = time
    region = Mutex(settings.region)
  }

  var location: String { "\(scheme)://\(settings.bucket)" + (settings.prefix.isEmpty ? "" : "/\(settings.prefix)") }
  var allowsPlainHTTP: Bool { settings.allowsPlainHTTP }

  func target(for path: String, extent: Extent) async throws -> RemoteTarget {
    let key = settings.prefix.isEmpty ? path : "\(settings.prefix)/\(path)"
    return try await signed(bucketURL().appending(key))
  }

  func recover(from refusal: TransferFailure) -> Bool {
    if let named = refusal.region {
      return region.withLock { region in
        if region == named { return false }
        region = named
        return true
      }
    }
    return refusal.code == .refused && store.refused()
  }

  private func bucketURL() -> RequestURL {
    let region = region.withLock { $0 }
    let domain = region.hasPrefix("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
    var url = settings.endpoint ?? RequestURL(scheme: "https", host: "s3.\(region).\(domain)")
    // A bucket with dots matches no wildcard certificate.
    let inPath = settings.pathStyle || (settings.endpoint == nil && settings.bucket.contains("."))
    if inPath { return url.appending(settings.bucket) }
    url.host = "\(settings.bucket).\(url.host)"
    return url
  }

  private func signed(_ url: RequestURL) async throws -> RemoteTarget {
    let secrets = try await store.forStream()
    var own: [HTTPField] = []
    if settings.requesterPays { own.append(HTTPField("x-amz-request-payer", "requester")) }
    if let keys = secrets.accessKeys {
      let signature = SigV4(keys: keys, region: region.withLock { $0 })
      return RemoteTarget(url: url, headers: signature.headers(for: url, signing: own, time: time()))
    }
    if let token = secrets[.token], scheme == "gs" {
      return RemoteTarget(url: url, headers: own + [HTTPField("Authorization", "Bearer \(token)", isSecret: true)])
    }
    return RemoteTarget(url: url, headers: own)
  }

  // MARK: Listing

  func indexedSubdirectories(through fetch: @escaping DocumentFetch) async throws -> [String]? {
    try await ObjectSearch(location: location) { [self] directory, continuation in
      let root = settings.prefix.isEmpty ? "" : "\(settings.prefix)/"
      let prefix = directory.isEmpty ? root : "\(root)\(directory)/"
      var query = "list-type=2&delimiter=%2F&prefix=\(PercentEncoding.component(prefix))"
      if let continuation { query += "&continuation-token=\(PercentEncoding.component(continuation))" }
      var url = bucketURL()
      if !url.path.hasSuffix("/") && url.path != "/" { url.path += "/" }
      url.query = query
      let text = try await fetch(Self.pageBytes) { [self, url] in try await signed(url) }
      let names = XMLText.elements("Contents", in: text).compactMap { XMLText.element("Key", in: $0) }
      let folders = XMLText.elements("CommonPrefixes", in: text).compactMap { XMLText.element("Prefix", in: $0) }
      let next =
        XMLText.element("IsTruncated", in: text) == "true"
        ? XMLText.element("NextContinuationToken", in: text) : nil
      return ObjectSearch.Page(
        names: names.map { String($0.dropFirst(prefix.count)) },
        folders: folders.map { String($0.dropFirst(prefix.count).dropLast()) }, next: next)
    }.subdirectories()
  }
}

extension CredentialStore {
  /// The secrets, with failures in the words of the door.
  func forStream() async throws(StreamSourceError) -> Secrets {
    do throws(CredentialError) {
      return try await secrets()
    } catch {
      throw StreamSourceError(error.isTransient ? .transient : .refused, error.message, cause: "credentials")
    }
  }
}
