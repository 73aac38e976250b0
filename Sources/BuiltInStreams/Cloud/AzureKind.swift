import LinuxSystem
import StreamRegistry
import Transfer

/// Kind `azure`: `azure://account.blob.core.windows.net/container/prefix`, as the reference writes it; the account is the
/// host's first label unless AZURE_ACCOUNT_NAME or the credentials name another.
///
/// Key under `with`: `endpoint`, for emulators (the account then is part of its path).
enum AzureKind {
  static func make(
    _ configuration: StreamConfiguration, transport: any Transport, spool: IndexSpool,
    environment: @escaping @Sendable (String) -> String? = EnvironmentVariable.value
  ) throws -> any StreamSource {
    var reader = configuration.withReader()
    let ranges = RangeAdvisor.read(&reader)
    let credentials = CredentialKeys(configuration, kind: .azure, environment: environment)
    let text = configuration.remote ?? ""
    let parts = text.dropFirst("azure://".count).split(separator: "/", omittingEmptySubsequences: true).map(String.init)
    if !text.lowercased().hasPrefix("azure://") || parts.count < 2 {
      reader.absorb([
        configuration.problem("remote", "must be azure://account.blob.core.windows.net/container/prefix")
      ])
    }
    let label = parts.first.flatMap { $0.split(separator: ".").first.map(String.init) } ?? ""
    let account = environment("AZURE_ACCOUNT_NAME") ?? label
    let endpoint = S3Kind.endpoint(reader.text("endpoint"), configuration, &reader)
    reader.absorb(credentials.problems)
    try reader.finish()
    let service = AzureService(
      account: account, container: parts[1],
      prefix: (parts.dropFirst(2) + (configuration.split.map { [$0] } ?? [])).joined(separator: "/"),
      endpoint: endpoint ?? RequestURL(scheme: "https", host: "\(account).blob.core.windows.net"),
      allowsPlainHTTP: configuration.allowHTTP, store: credentials.store())
    return RemoteSource(
      service: service, transport: transport, subdirectories: configuration.subdirectories,
      limits: configuration.fetchLimits, ranges: ranges,
      spool: spool)
  }
}

/// A container of Azure Blob Storage: shared key, shared access signature, bearer token or public.
struct AzureService: RemoteService {
  let account: String
  let container: String
  let prefix: String
  let endpoint: RequestURL
  let allowsPlainHTTP: Bool
  let store: CredentialStore

  var location: String { "azure://\(account)/\(container)" + (prefix.isEmpty ? "" : "/\(prefix)") }

  func target(for path: String, extent: Extent) async throws -> RemoteTarget {
    let name = prefix.isEmpty ? path : "\(prefix)/\(path)"
    return try await signed(endpoint.appending(container).appending(name), range: extent.rangeHeader)
  }

  func recover(from refusal: TransferFailure) -> Bool { refusal.code == .refused && store.refused() }

  private func signed(_ url: RequestURL, range: String?) async throws -> RemoteTarget {
    let secrets = try await store.forStream()
    let version = HTTPField("x-ms-version", AzureSharedKey.version)
    if let text = secrets[.accountKey] {
      guard let key = AzureSharedKey(account: secrets[.accountName] ?? account, key: text) else {
        throw StreamSourceError(.refused, "\(location): the account key is not base 64", cause: "credentials")
      }
      return RemoteTarget(url: url, headers: key.headers(for: url, range: range, time: Int(WallClock.seconds())))
    }
    if let text = secrets[.sharedAccessSignature], text.contains("sig=") {
      var url = url
      let signature = text.hasPrefix("?") ? String(text.dropFirst()) : text
      url.query = url.query.map { "\($0)&\(signature)" } ?? signature
      return RemoteTarget(url: url, headers: [version])
    }
    if let token = secrets[.token] {
      return RemoteTarget(url: url, headers: [version, HTTPField("Authorization", "Bearer \(token)", isSecret: true)])
    }
    return RemoteTarget(url: url, headers: [version])
  }

  func indexedSubdirectories(through fetch: @escaping DocumentFetch) async throws -> [String]? {
    try await ObjectSearch(location: location) { directory, continuation in
      let root = prefix.isEmpty ? "" : "\(prefix)/"
      let start = directory.isEmpty ? root : "\(root)\(directory)/"
      var url = endpoint.appending(container)
      url.query = "restype=container&comp=list&delimiter=%2F&prefix=\(PercentEncoding.component(start))"
      if let continuation { url.query? += "&marker=\(PercentEncoding.component(continuation))" }
      let text = try await fetch(S3Service.pageBytes) { [url] in try await signed(url, range: nil) }
      let blobs = XMLText.elements("Blob", in: text).compactMap { XMLText.element("Name", in: $0) }
      let folders = XMLText.elements("BlobPrefix", in: text).compactMap { XMLText.element("Name", in: $0) }
      return ObjectSearch.Page(
        names: blobs.map { String($0.dropFirst(start.count)) },
        folders: folders.map { String($0.dropFirst(start.count).dropLast()) },
        next: XMLText.element("NextMarker", in: text).flatMap { $0.isEmpty ? nil : $0 })
    }.subdirectories()
  }
}
